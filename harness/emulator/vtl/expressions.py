"""References and expressions: what stands after `$`, and between the parentheses of directives."""

from __future__ import annotations

from harness.emulator.vtl import nodes
from harness.emulator.vtl.errors import TemplateError
from harness.emulator.vtl.lexer import NAME, REFERENCE_START, SPACE, SPECIAL, error_at, next_token

MAX_DEPTH = 60
"""How deep blocks, parentheses and strings may be nested in each other."""

_PRECEDENCE = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%"))


class ExpressionParser:
    """A recursive descent over one source. `macros` are the names that calls may use so far."""

    def __init__(self, source: str, macros: frozenset[str], depth: int) -> None:
        self._source = source
        self._at = 0
        self._macros = set(macros)
        self._depth = depth

    def _error(self, message: str, at: int | None = None) -> TemplateError:
        return error_at(self._source, self._at if at is None else at, message)

    def _descend(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"The template is nested more than {MAX_DEPTH} deep")

    def _template_in_string(self, content: str) -> tuple[nodes.Node, ...]:
        """The tree of a string in double quotes, which is a template of its own."""
        raise NotImplementedError

    # -- references

    def _reference(self) -> nodes.Reference:
        start = self._at
        reference = self._reference_or_none()
        if reference is None:
            raise self._error("A ${ reference is not closed by }", start)
        return reference

    def _reference_or_none(self) -> nodes.Reference | None:
        """The reference that begins here; None when its `{` has no `}`."""
        source, start = self._source, self._at
        opening = REFERENCE_START.match(source, start)
        if opening is None:
            raise self._error("A reference needs a name")
        self._at = opening.end()
        root = self._name()
        links: list[nodes.Link] = []
        while link := self._link():
            links.append(link)
        if opening["formal"]:
            if not source.startswith("}", self._at):
                return None
            self._at += 1
        return nodes.Reference(root, tuple(links), bool(opening["quiet"]), source[start : self._at], start)

    def _name(self) -> str:
        found = NAME.match(self._source, self._at)
        if found is None:
            raise self._error("A name is expected")
        self._at = found.end()
        return found.group()

    def _link(self) -> nodes.Link | None:
        source, start = self._source, self._at
        if source.startswith("[", start):
            self._at += 1
            key = self._expression()
            self._expect("]")
            return nodes.Index(key)
        if not source.startswith(".", start) or not NAME.match(source, start + 1):
            return None
        self._at += 1
        name = self._name()
        if not source.startswith("(", self._at):
            return nodes.Property(name)
        self._at += 1
        return nodes.Call(name, self._arguments(")"), start + 1)

    def _arguments(self, closing: str) -> tuple[nodes.Expression, ...]:
        """Expressions with commas between them, up to `closing`, which is consumed."""
        if self._accept(closing):
            return ()
        arguments = [self._expression()]
        while self._accept(","):
            arguments.append(self._expression())
        self._expect(closing)
        return tuple(arguments)

    # -- expressions

    def _skip_space(self) -> None:
        space = SPACE.match(self._source, self._at)
        if space:
            self._at = space.end()

    def _accept(self, mark: str) -> bool:
        token = next_token(self._source, self._at)
        if token.kind != "mark" or token.text != mark:
            return False
        self._at = token.end
        return True

    def _expect(self, mark: str) -> None:
        token = next_token(self._source, self._at)
        if token.kind != "mark" or token.text != mark:
            found = repr(token.text) if token.text else "the end of the template"
            raise self._error(f"Expected {mark!r} and found {found}", token.start)
        self._at = token.end

    def _expression(self, level: int = 0) -> nodes.Expression:
        """A binary expression of at least precedence `level`; operators group to the left."""
        if level == 0:
            self._descend()
        if level == len(_PRECEDENCE):
            return self._unary()
        left = self._expression(level + 1)
        while True:
            token = next_token(self._source, self._at)
            if token.kind != "mark" or token.text not in _PRECEDENCE[level]:
                break
            self._at = token.end
            left = nodes.Binary(token.text, left, self._expression(level + 1))
        if level == 0:
            self._depth -= 1
        return left

    def _unary(self) -> nodes.Expression:
        signs: list[str] = []
        while True:
            token = next_token(self._source, self._at)
            if token.kind != "mark" or token.text not in ("!", "-"):
                break
            signs.append(token.text)
            self._at = token.end
            if len(signs) > MAX_DEPTH:
                raise self._error("Too many signs in a row", token.start)
        operand = self._primary()
        for sign in reversed(signs):
            if sign == "!":
                operand = nodes.Not(operand)
            elif isinstance(operand, nodes.Literal) and type(operand.value) in (int, float):
                operand = nodes.Literal(-operand.value)  # type: ignore[operator]
            else:
                operand = nodes.Negative(operand)
        return operand

    def _primary(self) -> nodes.Expression:
        token = next_token(self._source, self._at)
        if token.text == "$":
            self._at = token.start
            if not REFERENCE_START.match(self._source, self._at):
                raise self._error("A reference needs a name", token.start)
            return self._reference()
        self._at = token.end
        if token.kind == "number":
            whole = token.text.isdigit()
            if len(token.text) > 40:
                raise self._error("A number is longer than 40 digits", token.start)
            return nodes.Literal(int(token.text) if whole else float(token.text))
        if token.kind == "string":
            return self._string(token.text, token.start)
        if token.kind == "word" and token.text in ("true", "false"):
            return nodes.Literal(token.text == "true")
        if token.text == "(":
            inner = self._expression()
            self._expect(")")
            return inner
        if token.text == "[":
            return self._list_or_range()
        if token.text == "{":
            return self._map()
        found = repr(token.text) if token.text else "the end of the template"
        raise self._error(f"Expected a value and found {found}", token.start)

    def _string(self, quoted: str, at: int) -> nodes.Expression:
        quote = quoted[0]
        content = quoted[1:-1].replace(quote + quote, quote)
        if quote == "'" or not SPECIAL.search(content):
            return nodes.Literal(content)
        try:
            body = self._template_in_string(content)
        except TemplateError as error:
            raise self._error(f"In the string that begins here: {error.message}", at) from None
        if all(isinstance(node, nodes.Text) for node in body):
            return nodes.Literal("".join(node.text for node in body if isinstance(node, nodes.Text)))
        return nodes.Interpolated(body)

    def _list_or_range(self) -> nodes.Expression:
        if self._accept("]"):
            return nodes.ListLiteral(())
        first = self._expression()
        if self._accept(".."):
            last = self._expression()
            self._expect("]")
            return nodes.RangeLiteral(first, last)
        items = [first]
        while self._accept(","):
            items.append(self._expression())
        self._expect("]")
        return nodes.ListLiteral(tuple(items))

    def _map(self) -> nodes.MapLiteral:
        entries: list[tuple[nodes.Expression, nodes.Expression]] = []
        if self._accept("}"):
            return nodes.MapLiteral(())
        while True:
            key = self._expression()
            self._expect(":")
            entries.append((key, self._expression()))
            if not self._accept(","):
                break
        self._expect("}")
        return nodes.MapLiteral(tuple(entries))
