"""Stripe's API over real HTTP, as the simulated company would be seen through it."""
