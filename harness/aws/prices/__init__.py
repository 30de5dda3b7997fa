"""The price book and the lines of a bill."""
