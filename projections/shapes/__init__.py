"""Stripe's objects in every shape its API versions gave them, read into one."""
