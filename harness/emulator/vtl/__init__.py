"""Velocity templates, compiled to Python: what API Gateway's and AppSync's mapping templates are written in.

`compile_template(source).render(variables)`. Templates are data: they reach what `expose` lists and nothing
else, and loops, text and numbers are bounded.
"""

from harness.emulator.vtl.errors import TemplateError, TemplateFailure
from harness.emulator.vtl.exposure import expose
from harness.emulator.vtl.runtime import Returned
from harness.emulator.vtl.template import LiteralCall, MethodCall, Template, compile_template
from harness.emulator.vtl.values import Entry, JavaList, ReadOnlyMap, Value, is_true, to_json, to_text

__all__ = [
    "Entry",
    "JavaList",
    "LiteralCall",
    "MethodCall",
    "ReadOnlyMap",
    "Returned",
    "Template",
    "TemplateError",
    "TemplateFailure",
    "Value",
    "compile_template",
    "expose",
    "is_true",
    "to_json",
    "to_text",
]
