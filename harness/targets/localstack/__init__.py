"""LocalStack as a target: its environment, its process with the companion's beside it, and the target itself."""
