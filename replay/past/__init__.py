"""The ledger at other moments, and what made the difference."""
