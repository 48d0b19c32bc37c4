"""What happens to an invoice that is not paid, attempt by attempt and day by day."""
