"""Execution environments: real processes, each on a Lambda Runtime API of its own."""
