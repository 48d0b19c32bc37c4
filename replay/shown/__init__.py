"""Accounts, events and figures, laid out for a terminal."""
