"""The engine: QuickJS, one context for each resolver's or function's code, with bounds of memory and time.

Loading it costs a few milliseconds and megabytes, so it is loaded with the first code.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from harness.emulator.services.appsync.javascript.module import UTILS, CodeError, Module, read_module
from harness.emulator.services.appsync.javascript.tokens import tokens

MEMORY_BYTES = 32 * 1024 * 1024
TIME_S = 0.5
"""Processor time of one handler's run. AWS documents no bound but the request's 30 s."""
STACK_BYTES = 256 * 1024


class CodeFailure(Exception):
    """The code ran into a bound, or broke the engine's rules."""


@cache
def _sdk() -> str:
    return (Path(__file__).parent / "sdk.js").read_text()


class Code:
    """One module, evaluated. `functions` are those that it exported.

    Raises CodeError when it cannot be a resolver's."""

    def __init__(self, source: str) -> None:
        self._module: Module = read_module(source)
        self.functions = self._module.exports
        self._context: Any = None
        self._handlers: dict[str, Any] = {}
        self._load()
        self._refuse_missing_helpers(source)

    def _load(self) -> None:
        import quickjs

        context = quickjs.Context()
        context.set_memory_limit(MEMORY_BYTES)
        context.set_max_stack_size(STACK_BYTES)
        context.set_time_limit(TIME_S)
        context.eval(_sdk())
        names = ", ".join(self.functions)
        try:
            context.eval(f'"use strict";{self._module.code}\n;globalThis.__exports = {{ {names} }};')
        except (quickjs.JSException, quickjs.StackOverflow) as error:
            raise CodeError(_first_line(error), 0) from None
        for name in self.functions:
            if context.eval(f"typeof __exports.{name}") == "function":
                call = f"(given, now, seed, mode) => __run(__exports.{name}, given, now, seed, mode)"
                self._handlers[name] = context.eval(call)
        self._context = context

    def has(self, name: str) -> bool:
        """Whether the module exports a function of that name."""
        return name in self._handlers

    def run(self, name: str, context: dict[str, Any], now_s: float, mode: str) -> dict[str, Any]:
        """What the function makes of `context`: `{"value", "stash", "early", "error", "effects", "logs"}`.

        Raises CodeFailure when it takes too much time or memory."""
        import quickjs

        if self._context is None:
            self._load()
        try:
            given = orjson.dumps(context, option=orjson.OPT_NON_STR_KEYS).decode()
            out = self._handlers[name](given, now_s * 1000, os.urandom(16).hex(), mode)
        except (quickjs.JSException, quickjs.StackOverflow) as error:
            self._context = None  # what a run that was cut off leaves behind, no other shall see
            raise CodeFailure(_first_line(error)) from None
        except (TypeError, UnicodeError) as error:
            raise CodeFailure(str(error)) from None
        try:
            return dict(orjson.loads(out))
        except orjson.JSONDecodeError as error:
            raise CodeFailure(f"The result is no JSON: {error}") from None

    def _refuse_missing_helpers(self, source: str) -> None:
        """Raise CodeError for the first `util.x.y` that is not there."""
        found = tokens(source)
        roots = {"util", "runtime", "extensions"}
        for at, token in enumerate(found):
            if token.kind != "name" or token.text not in roots or (at and found[at - 1].text in (".", "?.")):
                continue
            path = [token.text]
            following = at + 1
            while following + 1 < len(found) and found[following].text in (".", "?."):
                if found[following + 1].kind != "name":
                    break
                path.append(found[following + 1].text)
                reached = "?.".join(path)
                if self._context.eval(f"typeof __modules['{UTILS}'].{reached}") == "undefined":
                    raise CodeError(f"The embedded AppSync does not offer {'.'.join(path)}.", token.start)
                if self._context.eval(f"typeof __modules['{UTILS}'].{reached}") == "function":
                    break
                following += 2


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:500]
