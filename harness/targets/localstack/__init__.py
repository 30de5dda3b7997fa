"""LocalStack as a target: its environment, its process and its companion's, and the target itself."""
