"""The demo: a simulated company, delivered to a real ledger, compared with the truth."""
