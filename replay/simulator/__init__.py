"""The program that plays Stripe: companies, their objects, and deliveries of them."""
