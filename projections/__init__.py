"""What it means: facts read from events, folded into read models and answered."""
