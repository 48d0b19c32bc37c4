"""The Stripe door: deliveries and seat changes come in here."""
