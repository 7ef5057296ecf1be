"""The plans of the named queries, on representative data."""
