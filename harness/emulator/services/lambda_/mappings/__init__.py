"""Event source mappings: a stream's records, batched, to a function."""
