"""What can be wrong with a template: found when it is compiled, or when it is rendered."""

from __future__ import annotations


class TemplateError(Exception):
    """A template that cannot be compiled. `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"{message} (line {line}, column {column})")
        self.message = message
        self.line = line
        self.column = column


class TemplateFailure(Exception):
    """A template that cannot be rendered with the values it was given, or that exceeds a bound."""
