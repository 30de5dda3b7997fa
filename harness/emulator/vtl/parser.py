"""Templates to syntax trees: text and directives; references and expressions are in `expressions`."""

from __future__ import annotations

from harness.emulator.vtl import nodes
from harness.emulator.vtl.expressions import ExpressionParser
from harness.emulator.vtl.lexer import (
    DIRECTIVE,
    LINE_COMMENT,
    REFERENCE_START,
    REST_OF_LINE,
    SPECIAL,
    next_token,
)

_DIRECTIVES = frozenset({"set", "if", "elseif", "else", "end", "foreach", "break", "stop", "macro"})
_REFUSED = frozenset({"include", "parse", "evaluate", "define"})


def parse(source: str, *, returns: bool = False) -> tuple[nodes.Node, ...]:
    """The tree of `source`; with `returns` it may have #return. Raises TemplateError with the line and column
    of what is wrong."""
    return _Parser(source, frozenset(), 0, returns=returns).template()


class _Parser(ExpressionParser):
    """The text between expressions: where directives and references begin and end."""

    def __init__(self, source: str, macros: frozenset[str], depth: int, *, returns: bool) -> None:
        super().__init__(source, macros, depth)
        self._returns = returns
        self._known = _DIRECTIVES | {"return"} if returns else _DIRECTIVES

    def template(self) -> tuple[nodes.Node, ...]:
        body, ended_by = self._block()
        if ended_by:
            raise self._error(f"#{ended_by} has no #if, #foreach or #macro before it")
        return body

    def _block(self) -> tuple[tuple[nodes.Node, ...], str]:
        """Nodes up to `#end`, `#else`, `#elseif` (consumed; its name is given) or the end of the source."""
        self._descend()
        out: list[nodes.Node] = []
        source = self._source
        while self._at < len(source):
            special = SPECIAL.search(source, self._at)
            if special is None:
                out.append(nodes.Text(source[self._at :]))
                self._at = len(source)
                break
            text = source[self._at : special.start()]
            self._at = special.start()
            backslashes = len(text) - len(text.rstrip("\\"))
            text = text[: len(text) - backslashes]
            if text:
                out.append(nodes.Text(text))
            name = self._special(out, backslashes)
            if name:
                self._depth -= 1
                return tuple(out), name
        self._depth -= 1
        return tuple(out), ""

    def _special(self, out: list[nodes.Node], backslashes: int) -> str:
        """What begins at `$` or `#`, into `out`. The name of a directive that ends the block, else ""."""
        if self._source[self._at] == "$":
            self._reference_in_text(out, backslashes)
            return ""
        found = DIRECTIVE.match(self._source, self._at)
        name = (found["braced"] or found["plain"]) if found else ""
        if found and (name in self._known or name in self._macros or name in _REFUSED):
            if backslashes:
                kept = "\\" * (backslashes // 2)
                if backslashes % 2:
                    out.append(nodes.Text(kept + found.group()))
                    self._at = found.end()
                    return ""
                out.append(nodes.Text(kept))
            start, self._at = self._at, found.end()
            return self._directive(name, out, start)
        if backslashes:
            out.append(nodes.Text("\\" * backslashes))
        self._comment_or_text(out)
        return ""

    def _comment_or_text(self, out: list[nodes.Node]) -> None:
        source, start = self._source, self._at
        if source.startswith("##", start):
            comment = LINE_COMMENT.match(source, start)
            self._at = comment.end() if comment else start + 2
        elif source.startswith("#*", start):
            self._at = self._past("*#", start + 2, "A #* comment is not closed")
        elif source.startswith("#[[", start):
            self._at = self._past("]]#", start + 3, "A #[[ block is not closed")
            out.append(nodes.Text(source[start + 3 : self._at - 3]))
        else:
            out.append(nodes.Text("#"))
            self._at += 1

    def _past(self, closing: str, start: int, message: str) -> int:
        end = self._source.find(closing, start)
        if end < 0:
            raise self._error(message)
        return end + len(closing)

    def _directive(self, name: str, out: list[nodes.Node], start: int) -> str:
        if name in _REFUSED:
            raise self._error(f"#{name} is not available in mapping templates", start)
        if name in ("end", "else", "elseif"):
            if name != "elseif":
                self._gobble_line()
            return name
        if name == "set":
            _trim_last_line(out)
            out.append(self._set())
        elif name == "if":
            out.append(self._if(start))
        elif name == "foreach":
            out.append(self._foreach(start))
        elif name == "macro":
            out.append(self._macro(start))
        elif name in ("break", "stop"):
            out.append(nodes.Break() if name == "break" else nodes.Stop())
        elif name == "return" and self._returns:
            out.append(nodes.Return(self._returned()))
        else:
            out.append(self._macro_call(name))
        return ""

    def _gobble_line(self) -> None:
        """A directive takes the rest of its line with it when that is blank."""
        rest = REST_OF_LINE.match(self._source, self._at)
        if rest:
            self._at = rest.end()

    def _set(self) -> nodes.Set:
        self._expect("(")
        self._skip_space()
        if not REFERENCE_START.match(self._source, self._at):
            raise self._error("#set needs a reference to assign to")
        target = self._reference()
        if target.links and isinstance(target.links[-1], nodes.Call):
            raise self._error("#set cannot assign to a method call", target.at)
        self._expect("=")
        value = self._expression()
        self._close_directive()
        return nodes.Set(target, value)

    def _returned(self) -> nodes.Expression | None:
        if not self._source.startswith("(", self._at):
            self._gobble_line()
            return None
        self._at += 1
        if self._accept(")"):
            self._gobble_line()
            return None
        value = self._expression()
        self._close_directive()
        return value

    def _condition(self) -> nodes.Expression:
        self._expect("(")
        condition = self._expression()
        self._close_directive()
        return condition

    def _close_directive(self) -> None:
        self._expect(")")
        self._gobble_line()

    def _if(self, start: int) -> nodes.If:
        branches: list[tuple[nodes.Expression, tuple[nodes.Node, ...]]] = []
        otherwise: tuple[nodes.Node, ...] = ()
        condition = self._condition()
        body, ended_by = self._block()
        branches.append((condition, body))
        while ended_by == "elseif":
            condition = self._condition()
            body, ended_by = self._block()
            branches.append((condition, body))
        if ended_by == "else":
            otherwise, ended_by = self._block()
        if ended_by != "end":
            raise self._error("#if is not closed by #end", start)
        return nodes.If(tuple(branches), otherwise)

    def _body(self, name: str, start: int) -> tuple[nodes.Node, ...]:
        body, ended_by = self._block()
        if ended_by != "end":
            raise self._error(f"#{name} is not closed by #end", start)
        return body

    def _foreach(self, start: int) -> nodes.Foreach:
        self._expect("(")
        self._skip_space()
        if not REFERENCE_START.match(self._source, self._at):
            raise self._error("#foreach needs a variable: #foreach($item in $items)")
        item = self._reference()
        if item.links:
            raise self._error("#foreach's variable cannot be a property or method", item.at)
        word = next_token(self._source, self._at)
        if word.text != "in":
            raise self._error("#foreach needs 'in' after its variable", word.start)
        self._at = word.end
        items = self._expression()
        self._close_directive()
        return nodes.Foreach(item.root, items, self._body("foreach", start))

    def _macro(self, start: int) -> nodes.Macro:
        self._expect("(")
        name = next_token(self._source, self._at)
        if name.kind != "word" or name.text in _DIRECTIVES or name.text in _REFUSED:
            raise self._error("#macro needs a name of its own", name.start)
        self._at = name.end
        parameters: list[str] = []
        while True:
            token = next_token(self._source, self._at)
            if token.text == ",":
                self._at = token.end
            elif token.text == "$":
                self._at = token.start
                parameters.append(self._reference().root)
            else:
                break
        self._close_directive()
        self._macros.add(name.text)
        return nodes.Macro(name.text, tuple(parameters), self._body("macro", start))

    def _macro_call(self, name: str) -> nodes.MacroCall:
        self._expect("(")
        arguments: list[nodes.Expression] = []
        while (token := next_token(self._source, self._at)).text != ")":
            if token.text == ",":
                self._at = token.end
            else:
                arguments.append(self._expression())
        self._close_directive()
        return nodes.MacroCall(name, tuple(arguments))

    def _reference_in_text(self, out: list[nodes.Node], backslashes: int) -> None:
        if not REFERENCE_START.match(self._source, self._at):
            out.append(nodes.Text("\\" * backslashes + "$"))
            self._at += 1
            return
        start = self._at
        reference = self._reference_or_none()
        if reference is None:  # an unclosed ${: plain text
            self._at = start + 1
            out.append(nodes.Text("\\" * backslashes + "$"))
        elif backslashes:
            out.append(nodes.EscapedReference(reference, backslashes))
        else:
            out.append(reference)

    def _template_in_string(self, content: str) -> tuple[nodes.Node, ...]:
        return _Parser(content, frozenset(self._macros), self._depth + 1, returns=self._returns).template()


def _trim_last_line(out: list[nodes.Node]) -> None:
    """#set takes the blanks before it with it."""
    if out and isinstance(out[-1], nodes.Text):
        out[-1] = nodes.Text(out[-1].text.rstrip(" \t"))
