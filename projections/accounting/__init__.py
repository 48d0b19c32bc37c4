"""Recurring revenue, double entry and closed months: the books of all customers."""
