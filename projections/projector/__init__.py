"""How read models follow the log: read once, folded, and committed with a bookmark."""
