"""Stripe's objects as JSON, each in the shape of an API version."""
