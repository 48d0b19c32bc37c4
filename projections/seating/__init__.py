"""Who holds seats, how many are billed, and by which terms."""
