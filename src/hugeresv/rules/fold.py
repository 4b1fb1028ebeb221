"""Folding: the source of a module with the switches of a behaviour decided, comments and layout kept.

Expressions and statements become edits of the text, at the positions that `ast` gives; what no switch decides is not
touched. A branch that is taken moves to where its `if` was; one that is not goes, with the comment above it.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from hugeresv.model.behaviour import Behaviour
from hugeresv.rules.text import Edit, SourceText
from hugeresv.rules.values import PARAMETER, Known, is_behaviour

_INDENT = 4
_TIGHT = (ast.BoolOp, ast.IfExp, ast.Lambda, ast.NamedExpr)
"""Expressions that need their brackets inside of another."""
_ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def fold(source: str, behaviour: Behaviour, functions: Mapping[str, bool], takers: frozenset[str]) -> str:
    """The module's source under a behaviour.

    Names are those of this module. `functions` has those that always answer alike under it, `takers` those that are
    given a behaviour: a folded one needs none, so that neither they nor their callers name it any more.
    """
    if PARAMETER not in source:
        return source
    return _Module(source, behaviour, functions, takers).folded()


class _Module(SourceText):
    """One module's text, and where in it things are."""

    def __init__(
        self, source: str, behaviour: Behaviour, functions: Mapping[str, bool], takers: frozenset[str]
    ) -> None:
        super().__init__(source)
        self._behaviour = behaviour
        self._functions = functions
        self._takers = takers
        self._known = Known(behaviour, functions)
        self._assigned = Counter[str]()

    def folded(self) -> str:
        edits: list[Edit] = []
        for statement in self.tree.body:
            edits += self._top(statement)
        return self.edited(edits)

    def _top(self, statement: ast.stmt) -> Iterator[Edit]:
        """A function, a class with methods, or an import of what the switches are made of."""
        match statement:
            case ast.FunctionDef():
                yield from self._function(statement, takes=statement.name in self._takers)
            case ast.ClassDef():
                for member in statement.body:
                    if isinstance(member, ast.FunctionDef):
                        yield from self._function(member, takes=False)
            case ast.If(body=body) if all(_imports_switches(each) for each in body):
                yield self.without(statement)
            case ast.If(body=body):
                yield from (self.without(each) for each in body if _imports_switches(each))
            case _ if _imports_switches(statement):
                yield self.without(statement)

    def _function(self, function: ast.FunctionDef, *, takes: bool) -> Iterator[Edit]:
        self._known = Known(self._behaviour, self._functions)
        names = (node for node in ast.walk(function) if isinstance(node, ast.Name))
        self._assigned = Counter(name.id for name in names if isinstance(name.ctx, ast.Store))
        parameters = [*function.args.posonlyargs, *function.args.args]
        if takes:
            assert parameters[0].arg == PARAMETER, f"{function.name}: the behaviour is the first parameter"
            yield self._without_first(parameters, ", ")
        yield from self._block(function.body)

    # Statements

    def _block(self, statements: Sequence[ast.stmt]) -> Iterator[Edit]:
        """Edits of the statements of one block. What stands behind a branch that is always left goes."""
        for number, statement in enumerate(statements):
            chosen: Sequence[ast.stmt] | None = None
            if isinstance(statement, ast.If) and (test := self._known.value(statement.test)) is not None:
                chosen = statement.body if test else statement.orelse
                yield self._branch(statement, chosen)
            elif isinstance(statement, ast.Assign) and self._is_settled(statement):
                yield self.without(statement)
            elif isinstance(statement, ast.If):
                yield from self._undecided(statement)
            else:
                yield from self._statement(statement)
            if chosen and isinstance(chosen[-1], _ENDS):
                yield from (self.without(each) for each in statements[number + 1 :])
                return

    def _is_settled(self, statement: ast.Assign) -> bool:
        """Whether an assignment only gives a name to a switch, or to the behaviour. The name is known from here on.

        One that is given another value elsewhere is not.
        """
        (target,) = statement.targets if len(statement.targets) == 1 else (None,)
        if not isinstance(target, ast.Name) or self._assigned[target.id] > 1:
            return False
        value = self._known.value(statement.value)
        if value is not None:
            self._known.names[target.id] = value
        return value is not None or is_behaviour(statement.value)

    def _statement(self, statement: ast.stmt) -> Iterator[Edit]:
        """Edits of whatever expressions and blocks a statement has."""
        for _, part in ast.iter_fields(statement):
            for each in part if isinstance(part, list) else [part]:
                if isinstance(each, ast.expr):
                    yield from self._expression(each)
            if isinstance(part, list) and part and isinstance(part[0], ast.stmt):
                yield from self._block(part)

    def _branch(self, statement: ast.If, chosen: Sequence[ast.stmt]) -> Edit:
        """The branch that is taken, where its `if` was. An `elif` becomes an `if`."""
        if not chosen:
            return self.without(statement)
        start, end = self.whole(statement)
        first = self.whole_block(chosen)[0]
        edits = list(self._block(chosen))
        if self._is_elif(chosen):
            kept = self.apply(first, end, edits)
            return Edit(start, end, kept.replace(b"elif", b"if", 1) if kept.lstrip().startswith(b"elif") else kept)
        last = self.whole_block(chosen)[1]
        return Edit(start, end, _dedented(self.apply(first, last, edits)))

    def _undecided(self, statement: ast.If) -> Iterator[Edit]:
        """An `if` that no switch decides; those of its `elif` that one does go, or become its `else`."""
        yield from self._expression(statement.test, outermost=True)
        yield from self._block(statement.body)
        orelse = statement.orelse
        if not self._is_elif(orelse):
            yield from self._block(orelse)
            return
        following = orelse[0]
        assert isinstance(following, ast.If)
        test = self._known.value(following.test)
        start, end = self.whole(following)
        if test is None:
            yield from self._undecided(following)
        elif test:
            indent = b" " * following.col_offset
            first, last = self.whole_block(following.body)
            yield Edit(start, end, indent + b"else:\n" + self.apply(first, last, list(self._block(following.body))))
        elif not following.orelse:
            yield Edit(start, end)
        else:
            first = self.whole_block(following.orelse)[0]
            if not self._is_elif(following.orelse):
                first = self.lines[self.lines.index(first) - 1]
            yield Edit(start, first)
            yield from self._undecided(ast.If(ast.Constant(value=None), [], following.orelse))

    def _is_elif(self, orelse: Sequence[ast.stmt]) -> bool:
        return len(orelse) == 1 and self.text.startswith(b"elif", self.span(orelse[0])[0])

    # Expressions

    def _expression(self, node: ast.expr, *, outermost: bool = False) -> Iterator[Edit]:
        """Edits of an expression. `outermost`: brackets around all of it mean nothing."""
        value = self._known.value(node)
        if value is not None:
            assert isinstance(value, bool), f"line {node.lineno}: a switch is used other than in a condition"
            yield Edit(*self.span(node), str(value).encode())
        elif isinstance(node, ast.BoolOp):
            yield from self._operands(node, outermost=outermost)
        elif isinstance(node, ast.IfExp) and (test := self._known.value(node.test)) is not None:
            yield Edit(*self.span(node), self._rendered(node.body if test else node.orelse))
        elif isinstance(node, ast.Call):
            yield from self._call(node)
        else:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    yield from self._expression(child)

    def _operands(self, node: ast.BoolOp, *, outermost: bool) -> Iterator[Edit]:
        """`and` and `or` without the operands that are known, and without brackets around one that is left."""
        kept = [operand for operand in node.values if self._known.value(operand) is None]
        decisive = isinstance(node.op, ast.Or)
        ending = [operand for operand in node.values if self._known.value(operand) is decisive]
        if ending:  # a call before it may do something: it is carried out, and the answer is the same
            kept = [*node.values[: node.values.index(ending[0])], ending[0]]
        if len(kept) == len(node.values):
            for operand in kept:
                yield from self._expression(operand)
        elif len(kept) == 1:
            loose = outermost or not isinstance(kept[0], _TIGHT)
            yield Edit(*(self.bracketed(node) if loose else self.span(node)), self._rendered(kept[0]))
        else:
            joint = b" or " if decisive else b" and "
            yield Edit(*self.span(node), joint.join(self._rendered_with_brackets(each) for each in kept))

    def _call(self, node: ast.Call) -> Iterator[Edit]:
        """A call, without the behaviour that its function no longer takes."""
        arguments = list(node.args)
        if isinstance(node.func, ast.Name) and node.func.id in self._takers and is_behaviour(arguments[0]):
            yield self._without_first(arguments, ", ")
            arguments = arguments[1:]
        yield from self._expression(node.func)
        for argument in [*arguments, *(keyword.value for keyword in node.keywords)]:
            yield from self._expression(argument)

    # Text

    def _rendered(self, node: ast.expr) -> bytes:
        return self.apply(*self.span(node), list(self._expression(node)))

    def _rendered_with_brackets(self, node: ast.expr) -> bytes:
        return self.apply(*self.bracketed(node), list(self._expression(node)))

    def _without_first(self, items: Sequence[ast.expr | ast.arg], rest: str) -> Edit:
        """The first argument or parameter goes, up to the next one, or with the `rest` behind it."""
        start, end = self.span(items[0])
        if len(items) > 1:
            return Edit(start, self.span(items[1])[0])
        return Edit(start, end + (len(rest) if self.text.startswith(rest.encode(), end) else 0))


def _imports_switches(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "hugeresv.model.behaviour"


def _dedented(text: bytes) -> bytes:
    """Lines one level further out."""
    return b"".join(line[_INDENT:] if line.strip() else line for line in text.splitlines(keepends=True))
