"""Tokens to trees: conditions, updates and projections, each text parsed once and kept (bounded).

docs: DynamoDB Developer Guide, Condition and filter expressions, operators, and functions; Update
expressions; Projection expressions (read 2026-11)
"""

from __future__ import annotations

from functools import lru_cache
from typing import NoReturn

from harness.emulator.services.dynamodb.errors import invalid
from harness.emulator.services.dynamodb.expressions.ast import (
    FUNCTION_OPERANDS,
    And,
    Between,
    Call,
    Compare,
    Condition,
    In,
    Not,
    Operand,
    Or,
    Part,
    Path,
    Placeholder,
    Size,
)
from harness.emulator.services.dynamodb.expressions.evaluate import COMPARATORS
from harness.emulator.services.dynamodb.expressions.lexer import Token, syntax_error, tokens_of
from harness.emulator.services.dynamodb.expressions.projection import KIND as PROJECTION
from harness.emulator.services.dynamodb.expressions.projection import Projection
from harness.emulator.services.dynamodb.expressions.reserved_words import RESERVED_WORDS
from harness.emulator.services.dynamodb.expressions.update import KIND as UPDATE
from harness.emulator.services.dynamodb.expressions.update import (
    Action,
    Arithmetic,
    IfNotExists,
    ListAppend,
    Update,
)

_KEPT_TEXTS = 1024
_MAX_IN_OPTIONS = 100
_SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")
_UPDATE_FUNCTIONS = ("if_not_exists", "list_append")


@lru_cache(_KEPT_TEXTS)
def parse_condition(text: str, kind: str) -> Condition:
    """The condition in `text`; `kind` is the parameter that holds it.

    Raises AwsError ValidationException in AWS's words."""
    parser = _ConditionParser(text, kind)
    try:
        condition = parser.condition(parser.disjunction())
    except RecursionError:
        raise _too_deep(kind) from None
    parser.expect_end()
    return condition


@lru_cache(_KEPT_TEXTS)
def parse_projection(text: str) -> Projection:
    """The projection in `text`. Raises AwsError ValidationException."""
    parser = _Parser(text, PROJECTION)
    paths = [parser.path()]
    while parser.accept(","):
        paths.append(parser.path())
    parser.expect_end()
    return Projection(tuple(paths))


@lru_cache(_KEPT_TEXTS)
def parse_update(text: str) -> Update:
    """The update in `text`. Raises AwsError ValidationException."""
    try:
        return _UpdateParser(text, UPDATE).update()
    except RecursionError:
        raise _too_deep(UPDATE) from None


def _too_deep(kind: str) -> Exception:
    """What AWS refuses beyond 300 operators (the words are ours)."""
    return invalid(f"Invalid {kind}: The expression is nested too deeply;")


class _Parser:
    """The tokens of one text, and what all expressions have in common: document paths and placeholders."""

    def __init__(self, text: str, kind: str) -> None:
        self.text = text
        self.kind = kind
        self.tokens = tokens_of(text, kind)
        self.at = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def fail(self) -> NoReturn:
        raise syntax_error(self.text, self.kind, self.token, self.tokens)

    def take(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def accept(self, symbol: str) -> bool:
        if self.token.kind == "symbol" and self.token.text == symbol:
            self.at += 1
            return True
        return False

    def expect(self, symbol: str) -> None:
        if not self.accept(symbol):
            self.fail()

    def accept_word(self, word: str) -> bool:
        if self.token.kind == "word" and self.token.text.upper() == word:
            self.at += 1
            return True
        return False

    def expect_end(self) -> None:
        if self.token.kind != "end":
            self.fail()

    def path(self) -> Path:
        parts: list[Part] = [self._name()]
        while True:
            if self.accept("."):
                parts.append(self._name())
            elif self.accept("["):
                if self.token.kind != "index":
                    self.fail()
                parts.append(int(self.take().text))
                self.expect("]")
            else:
                return Path(tuple(parts))

    def _name(self) -> str:
        if self.token.kind == "name":
            return self.take().text
        if self.token.kind != "word":
            self.fail()
        word = self.take().text
        if word.upper() in RESERVED_WORDS:
            raise invalid(
                f"Invalid {self.kind}: Attribute name is a reserved keyword; reserved keyword: {word}"
            )
        return word

    def path_or_value(self) -> Path | Placeholder:
        if self.token.kind == "value":
            return Placeholder(self.take().text)
        return self.path()

    def call_follows(self) -> bool:
        """Whether a word and an opening parenthesis come next: a function."""
        following = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        return self.token.kind == "word" and following.text == "("

    def wrong_operand_count(self, function: str, count: int) -> NoReturn:
        raise invalid(
            f"Invalid {self.kind}: Incorrect number of operands for operator or function; "
            f"operator or function: {function}, number of operands: {count}"
        )

    def unknown_function(self, function: str) -> NoReturn:
        raise invalid(f"Invalid {self.kind}: Invalid function name; function: {function}")

    def misplaced_function(self, function: str) -> NoReturn:
        raise invalid(
            f"Invalid {self.kind}: The function is not allowed to be used this way in an expression; "
            f"function: {function}"
        )


_Node = Condition | Operand
_CONDITIONS = (Compare, Between, In, Call, And, Or, Not)
_OPERANDS = (Path, Placeholder, Size)


class _ConditionParser(_Parser):
    """OR binds weakest, then AND, NOT, and the comparisons. Parentheses may hold either kind of node, so what
    they hold is checked where it is used."""

    _in_parentheses: _Node | None = None
    """What the last closed parentheses held: to close around it again is redundant."""

    def condition(self, node: _Node) -> Condition:
        if not isinstance(node, _CONDITIONS):
            if isinstance(node, Size):
                self.misplaced_function("size")
            self.fail()
        return node

    def operand(self, node: _Node) -> Operand:
        if isinstance(node, Call):
            self.misplaced_function(node.function)
        if not isinstance(node, _OPERANDS):
            self.fail()
        return node

    def disjunction(self) -> _Node:
        left = self._conjunction()
        while self.accept_word("OR"):
            left = Or(self.condition(left), self.condition(self._conjunction()))
        return left

    def _conjunction(self) -> _Node:
        left = self._negation()
        while self.accept_word("AND"):
            left = And(self.condition(left), self.condition(self._negation()))
        return left

    def _negation(self) -> _Node:
        if self.accept_word("NOT"):
            return Not(self.condition(self._negation()))
        return self._comparison()

    def _comparison(self) -> _Node:
        left = self._primary()
        if self.token.kind == "symbol" and self.token.text in COMPARATORS:
            operator = self.take().text
            return Compare(operator, self.operand(left), self.operand(self._primary()))
        if self.accept_word("BETWEEN"):
            low = self.operand(self._primary())
            if not self.accept_word("AND"):
                self.fail()
            return Between(self.operand(left), low, self.operand(self._primary()))
        if self.accept_word("IN"):
            return In(self.operand(left), self._options())
        return left

    def _options(self) -> tuple[Operand, ...]:
        self.expect("(")
        options = [self.operand(self._primary())]
        while self.accept(","):
            options.append(self.operand(self._primary()))
        self.expect(")")
        if len(options) > _MAX_IN_OPTIONS:
            self.wrong_operand_count("IN", len(options))
        return tuple(options)

    def _primary(self) -> _Node:
        if self.accept("("):
            inner = self.disjunction()
            self.expect(")")
            if inner is self._in_parentheses:
                raise invalid(f"Invalid {self.kind}: The expression has redundant parentheses;")
            self._in_parentheses = inner
            return inner
        if self.call_follows():
            return self._call()
        return self.path_or_value()

    def _call(self) -> _Node:
        function = self.take().text
        if function != "size" and function not in FUNCTION_OPERANDS:
            self.unknown_function(function)
        self.expect("(")
        operands = [self.operand(self._primary())]
        while self.accept(","):
            operands.append(self.operand(self._primary()))
        self.expect(")")
        if len(operands) != FUNCTION_OPERANDS.get(function, 1):
            self.wrong_operand_count(function, len(operands))
        return Size(operands[0]) if function == "size" else Call(function, tuple(operands))


class _UpdateParser(_Parser):
    def update(self) -> Update:
        sets: list[Action] = []
        removes: list[Path] = []
        adds: list[Action] = []
        deletes: list[Action] = []
        seen: set[str] = set()
        while self.token.kind != "end":
            section = self._section(seen)
            while True:
                if section == "SET":
                    sets.append(self._assignment())
                elif section == "REMOVE":
                    removes.append(self.path())
                else:
                    (adds if section == "ADD" else deletes).append(self._element_action())
                if not self.accept(","):
                    break
        return Update(tuple(sets), tuple(removes), tuple(adds), tuple(deletes))

    def _section(self, seen: set[str]) -> str:
        section = self.token.text.upper()
        if self.token.kind != "word" or section not in _SECTIONS:
            self.fail()
        if section in seen:
            raise invalid(
                f'Invalid {self.kind}: The "{section}" section can only be used once in an update expression;'
            )
        seen.add(section)
        self.take()
        return section

    def _assignment(self) -> Action:
        path = self.path()
        self.expect("=")
        return Action(path, self._value())

    def _value(self) -> Operand:
        left = self._operand()
        for operator in ("+", "-"):
            if self.accept(operator):
                return Arithmetic(operator, left, self._operand())
        return left

    def _element_action(self) -> Action:
        path = self.path()
        if self.token.kind != "value":
            self.fail()
        return Action(path, Placeholder(self.take().text))

    def _operand(self) -> Operand:
        if self.accept("("):
            value = self._value()
            self.expect(")")
            return value
        if not self.call_follows():
            return self.path_or_value()
        function = self.take().text
        if function not in _UPDATE_FUNCTIONS:
            self.unknown_function(function)
        self.expect("(")
        operands = [self._operand()]
        while self.accept(","):
            operands.append(self._operand())
        self.expect(")")
        if len(operands) != 2:
            self.wrong_operand_count(function, len(operands))
        first, second = operands
        if function == "list_append":
            return ListAppend(first, second)
        if not isinstance(first, Path):
            raise invalid(
                f"Invalid {self.kind}: Operator or function requires a document path; "
                f"operator or function: {function}"
            )
        return IfNotExists(first, second)
