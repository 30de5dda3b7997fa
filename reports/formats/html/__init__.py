"""The HTML page of a run."""

from reports.formats.html.page import render

__all__ = ["render"]
