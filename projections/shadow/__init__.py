"""What we would have billed, beside what Stripe did."""
