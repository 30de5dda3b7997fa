"""Syntax trees to Python functions.

No character of a template ever becomes Python source: names and strings of the template are constants that
generated code holds as `k0`, `k1`, ..., and the only other names it knows are those of `runtime.NAMES`,
without builtins. What is generated is therefore as harmless as those functions, whatever the template says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, cast

from harness.emulator.vtl import nodes
from harness.emulator.vtl.runtime import BINARY, NAMES, Budget, Variables

Unresolved = Literal["source", "empty"]
Render = Callable[[Variables, Budget], str]


def generate(tree: Sequence[nodes.Node], unresolved: Unresolved) -> Render:
    """The function that renders `tree`."""
    return _Generator(unresolved).module(tree)


class _Function:
    """The lines of a function under construction. `run` gathers what is printed without a branch between."""

    def __init__(self, header: str) -> None:
        self.lines = [header]
        self.indent = 1
        self.loops = 0
        self.run: list[str] = []

    def line(self, text: str) -> None:
        self.flush()
        self.lines.append("    " * self.indent + text)

    def flush(self) -> None:
        if self.run:
            run, self.run = self.run, []
            added = f"out.append({run[0]})" if len(run) == 1 else f"out.extend(({', '.join(run)}))"
            self.lines.append("    " * self.indent + added)


class _Generator:
    def __init__(self, unresolved: Unresolved) -> None:
        self._unresolved = unresolved
        self._names: dict[str, object] = dict(NAMES)
        self._constants: dict[tuple[type, object], str] = {}
        self._functions: list[list[str]] = []
        self._macros: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._counter = 0

    def module(self, tree: Sequence[nodes.Node]) -> Render:
        function = _Function("def render(variables, budget):")
        function.lines += ["    get = variables.get", "    out = []", "    try:"]
        function.indent = 2
        self._nodes(tree, function)
        function.line("pass")
        function.indent = 1
        function.line("except Stop:")
        function.line("    pass")
        function.line("return joined(out)")
        source = "\n".join(line for lines in [*self._functions, function.lines] for line in lines)
        names = {"__builtins__": {}, **self._names}
        exec(compile(source, "<template>", "exec"), names)
        return cast(Render, names["render"])

    def _fresh(self, prefix: str) -> str:
        self._counter += 1
        return f"{prefix}{self._counter}"

    def _constant(self, value: object) -> str:
        key = (type(value), value)
        name = self._constants.get(key)
        if name is None:
            name = self._constants[key] = self._fresh("k")
            self._names[name] = value
        return name

    # -- statements

    def _nodes(self, tree: Sequence[nodes.Node], function: _Function) -> None:
        for node in tree:
            self._node(node, function)
        function.flush()

    def _node(self, node: nodes.Node, function: _Function) -> None:
        match node:
            case nodes.Text(text):
                if text:
                    function.run.append(self._constant(text))
            case nodes.Reference():
                function.run.append(self._printed(node))
            case nodes.EscapedReference():
                function.run.append(self._escaped(node))
            case nodes.Set():
                self._set(node, function)
            case nodes.If():
                self._if(node, function)
            case nodes.Foreach():
                self._foreach(node, function)
            case nodes.Break() | nodes.Stop() | nodes.Return():
                self._leave(node, function)
            case nodes.Macro():
                self._macro(node)
            case nodes.MacroCall():
                self._macro_call(node, function)

    def _leave(self, node: nodes.Break | nodes.Stop | nodes.Return, function: _Function) -> None:
        if isinstance(node, nodes.Return):
            value = "None" if node.value is None else self._expression(node.value)
            function.line(f"early_return({value})")
        elif isinstance(node, nodes.Break) and function.loops:
            function.line("break")
        else:
            function.line("raise Stop")

    def _set(self, node: nodes.Set, function: _Function) -> None:
        """Null is not assigned: the target keeps what it had (Velocity 1.7, directive.set.null.allowed)."""
        value = self._expression(node.value)
        target = node.target
        if target.links:
            owner = self._chain(target, target.links[:-1])
            last = target.links[-1]
            if isinstance(last, nodes.Property):
                key = self._constant(last.name)
            else:
                key = self._expression(cast(nodes.Index, last).key)
            function.line(f"set_item({owner}, {key}, {value})")
        elif isinstance(node.value, nodes.Reference | nodes.Binary | nodes.RangeLiteral | nodes.Negative):
            function.line(f"value = {value}")
            function.line(f"if value is not None: variables[{self._constant(target.root)}] = value")
        else:
            function.line(f"variables[{self._constant(target.root)}] = {value}")

    def _if(self, node: nodes.If, function: _Function) -> None:
        for position, (condition, body) in enumerate(node.branches):
            function.line(f"{'elif' if position else 'if'} {self._condition(condition)}:")
            self._indented(body, function)
        if node.otherwise:
            function.line("else:")
            self._indented(node.otherwise, function)

    def _indented(self, body: Sequence[nodes.Node], function: _Function) -> None:
        function.indent += 1
        self._nodes(body, function)
        function.line("pass")
        function.indent -= 1

    def _foreach(self, node: nodes.Foreach, function: _Function) -> None:
        items, loop, name = self._fresh("items"), self._fresh("loop"), self._constant(node.name)
        function.line(f"{items} = iterated({self._expression(node.items)})")
        function.line(f"if {items}:")
        function.indent += 1
        function.line(f"budget.spend(len({items}))")
        function.line(f"{loop}, {loop}_outer, {loop}_hidden = enter_loop(variables, {name}, len({items}))")
        function.line(f"for {loop}.index, variables[{name}] in enumerate({items}):")
        function.indent += 1
        function.line(f"variables[{self._constant('velocityCount')}] = {loop}.index + 1")
        function.indent -= 1
        function.loops += 1
        self._indented(node.body, function)
        function.loops -= 1
        function.line(f"leave_loop(variables, {name}, {loop}_outer, {loop}_hidden)")
        function.indent -= 1

    def _macro(self, node: nodes.Macro) -> None:
        name = self._fresh("macro")
        self._macros[node.name] = (name, node.parameters)
        self._function(name, node.body, returns=False)

    def _function(self, name: str, body: Sequence[nodes.Node], *, returns: bool) -> None:
        parameters = "variables, budget" if returns else "variables, budget, out"
        function = _Function(f"def {name}({parameters}):")
        function.line("get = variables.get")
        if returns:
            function.line("out = []")
        self._nodes(body, function)
        if returns:
            function.line("return joined(out)")
        self._functions.append(function.lines)

    def _macro_call(self, node: nodes.MacroCall, function: _Function) -> None:
        name, parameters = self._macros[node.name]
        arguments = self._tuple([self._expression(argument) for argument in node.arguments])
        function.line(
            f"call_macro({name}, {self._constant(parameters)}, {arguments}, variables, budget, out)"
        )

    # -- expressions

    def _tuple(self, items: Sequence[str]) -> str:
        return "(" + "".join(item + ", " for item in items) + ")"

    def _missing(self, reference: nodes.Reference) -> str:
        shown = "" if reference.quiet or self._unresolved == "empty" else reference.source
        return self._constant(shown)

    def _printed(self, reference: nodes.Reference) -> str:
        return f"text_of({self._expression(reference)}, {self._missing(reference)})"

    def _escaped(self, node: nodes.EscapedReference) -> str:
        kept = self._constant("\\" * (node.backslashes // 2))
        source = self._constant(node.reference.source)
        missing = self._constant("\\" * node.backslashes + node.reference.source)
        odd = bool(node.backslashes % 2)
        return f"escaped({self._expression(node.reference)}, {kept}, {source}, {missing}, {odd})"

    def _chain(self, reference: nodes.Reference, links: Sequence[nodes.Link]) -> str:
        value = f"get({self._constant(reference.root)})"
        for link in links:
            match link:
                case nodes.Property(name):
                    value = f"get_property({value}, {self._constant(name)})"
                case nodes.Call(name, arguments):
                    signature = self._constant((name, len(arguments)))
                    given = self._tuple([self._expression(argument) for argument in arguments])
                    value = f"call_method({value}, {signature}, {given})"
                case nodes.Index(key):
                    value = f"get_item({value}, {self._expression(key)})"
        return value

    def _expression(self, node: nodes.Expression) -> str:
        match node:
            case nodes.Reference():
                return self._chain(node, node.links)
            case nodes.Literal(value):
                return self._constant(value)
            case nodes.Interpolated(body):
                return self._interpolated(body)
            case nodes.ListLiteral(items):
                return f"listed({', '.join(self._expression(item) for item in items)})"
            case nodes.RangeLiteral(first, last):
                return f"numbers({self._expression(first)}, {self._expression(last)})"
            case nodes.MapLiteral(entries):
                pairs = (f"({self._expression(key)}, {self._expression(value)})" for key, value in entries)
                return f"mapped({', '.join(pairs)})"
            case nodes.Negative(operand):
                return f"negate({self._expression(operand)})"
            case nodes.Not():
                return f"({self._condition(node)})"
            case nodes.Binary(operator, left, right):
                if operator in ("&&", "||", "!="):
                    return f"({self._condition(node)})"
                return f"{BINARY[operator]}({self._expression(left)}, {self._expression(right)})"

    def _interpolated(self, body: tuple[nodes.Node, ...]) -> str:
        """A string with only references in it is one expression; one with directives is a function."""
        parts: list[str] = []
        for part in body:
            match part:
                case nodes.Text(text):
                    parts.append(self._constant(text))
                case nodes.Reference():
                    parts.append(self._printed(part))
                case nodes.EscapedReference():
                    parts.append(self._escaped(part))
                case _:
                    name = self._fresh("string")
                    self._function(name, body, returns=True)
                    return f"{name}(variables, budget)"
        return parts[0] if len(parts) == 1 else f"joined({self._tuple(parts)})"

    def _condition(self, node: nodes.Expression) -> str:
        """`node` as a Python truth value."""
        match node:
            case nodes.Not(operand):
                return f"not {self._condition(operand)}"
            case nodes.Binary("&&", left, right):
                return f"({self._condition(left)} and {self._condition(right)})"
            case nodes.Binary("||", left, right):
                return f"({self._condition(left)} or {self._condition(right)})"
            case nodes.Binary("!=", left, right):
                return f"not equal({self._expression(left)}, {self._expression(right)})"
            case nodes.Binary("==" | "<" | "<=" | ">" | ">="):
                return self._expression(node)
            case _:
                return f"is_true({self._expression(node)})"
