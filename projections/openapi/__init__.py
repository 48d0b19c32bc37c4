"""The read API described: types of its answers, a table of its operations, OpenAPI."""
