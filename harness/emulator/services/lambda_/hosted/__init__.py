"""Execution environments for a Lambda that is elsewhere, which decides what runs when: LocalStack's."""
