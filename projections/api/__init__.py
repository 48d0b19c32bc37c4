"""The read API: what the product asks of the read models, over HTTP."""
