"""Asynchronous invocation: the queue, its retries, and where its records go."""
