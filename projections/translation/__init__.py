"""Which events are read, and into which facts: the wall towards Stripe and the product."""
