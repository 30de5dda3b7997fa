"""The flow of a run, readable top to bottom."""
