"""The read API and seat intake for programs in Python: `blocking` and `concurrent`."""
