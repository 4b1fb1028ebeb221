"""Folding: the source of a module with the switches of a behaviour decided, comments and layout kept.

Expressions and statements become edits of the text, at the positions that `ast` gives; what no switch decides is not
touched. A branch that is taken moves to where its `if` was; one that is not goes, with the comment above it.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from hugeresv.model.behaviour import Behaviour
from hugeresv.rules.values import PARAMETER, Known, does_something, is_behaviour

_INDENT = 4
_TIGHT = (ast.BoolOp, ast.IfExp, ast.Lambda, ast.NamedExpr)
"""Expressions that need their brackets inside of another."""
_ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


class Edit(NamedTuple):
    """The bytes [start, end) of a source become `text`."""

    start: int
    end: int
    text: bytes = b""


def fold(source: str, behaviour: Behaviour, functions: Mapping[str, bool], takers: frozenset[str]) -> str:
    """The module's source under a behaviour.

    Names are those of this module. `functions` has those that always answer alike under it, `takers` those that are
    given a behaviour: a folded one needs none, so that neither they nor their callers name it any more.
    """
    if PARAMETER not in source:
        return source
    text = _Module(source, behaviour, functions, takers).folded()
    return _tidied(text, source)


class _Module:
    """One module's text, and where in it things are."""

    def __init__(
        self, source: str, behaviour: Behaviour, functions: Mapping[str, bool], takers: frozenset[str]
    ) -> None:
        self._text = source.encode()
        self._tree = ast.parse(source)
        self._lines = [0]
        for line in self._text.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self._behaviour = behaviour
        self._functions = functions
        self._takers = takers
        self._known = Known(behaviour, functions)
        self._assigned = Counter[str]()

    def folded(self) -> str:
        edits: list[Edit] = []
        for statement in self._tree.body:
            edits += self._top(statement)
        return self._apply(0, len(self._text), edits).decode()

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
                yield self._without(statement)
            case ast.If(body=body):
                yield from (self._without(each) for each in body if _imports_switches(each))
            case _ if _imports_switches(statement):
                yield self._without(statement)

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
                yield self._without(statement)
            elif isinstance(statement, ast.If):
                yield from self._undecided(statement)
            else:
                yield from self._statement(statement)
            if chosen and isinstance(chosen[-1], _ENDS):
                yield from (self._without(each) for each in statements[number + 1 :])
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
            return self._without(statement)
        start, end = self._whole(statement)
        first = self._whole_block(chosen)[0]
        edits = list(self._block(chosen))
        if self._is_elif(chosen):
            kept = self._apply(first, end, edits)
            return Edit(start, end, kept.replace(b"elif", b"if", 1) if kept.lstrip().startswith(b"elif") else kept)
        last = self._whole_block(chosen)[1]
        return Edit(start, end, _dedented(self._apply(first, last, edits)))

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
        start, end = self._whole(following)
        if test is None:
            yield from self._undecided(following)
        elif test:
            indent = b" " * following.col_offset
            first, last = self._whole_block(following.body)
            yield Edit(start, end, indent + b"else:\n" + self._apply(first, last, list(self._block(following.body))))
        elif not following.orelse:
            yield Edit(start, end)
        else:
            first = self._whole_block(following.orelse)[0]
            if not self._is_elif(following.orelse):
                first = self._lines[self._lines.index(first) - 1]
            yield Edit(start, first)
            yield from self._undecided(ast.If(ast.Constant(value=None), [], following.orelse))

    def _is_elif(self, orelse: Sequence[ast.stmt]) -> bool:
        return len(orelse) == 1 and self._text.startswith(b"elif", self._span(orelse[0])[0])

    # Expressions

    def _expression(self, node: ast.expr, *, outermost: bool = False) -> Iterator[Edit]:
        """Edits of an expression. `outermost`: brackets around all of it mean nothing."""
        value = self._known.value(node)
        if value is not None:
            assert isinstance(value, bool), f"line {node.lineno}: a switch is used other than in a condition"
            yield Edit(*self._span(node), str(value).encode())
        elif isinstance(node, ast.BoolOp):
            yield from self._operands(node, outermost=outermost)
        elif isinstance(node, ast.IfExp) and (test := self._known.value(node.test)) is not None:
            yield Edit(*self._span(node), self._rendered(node.body if test else node.orelse))
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
            yield Edit(*(self._bracketed(node) if loose else self._span(node)), self._rendered(kept[0]))
        else:
            joint = b" or " if decisive else b" and "
            yield Edit(*self._span(node), joint.join(self._rendered_with_brackets(each) for each in kept))

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
        return self._apply(*self._span(node), list(self._expression(node)))

    def _rendered_with_brackets(self, node: ast.expr) -> bytes:
        return self._apply(*self._bracketed(node), list(self._expression(node)))

    def _span(self, node: ast.expr | ast.stmt | ast.arg) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._lines[node.lineno - 1] + node.col_offset, self._lines[node.end_lineno - 1] + node.end_col_offset

    def _bracketed(self, node: ast.expr) -> tuple[int, int]:
        """The span of an operand with the brackets around it, if it has any."""
        start, end = self._span(node)
        before, after = self._text[:start].rstrip(), self._text[end:].lstrip()
        if before.endswith(b"(") and after.startswith(b")"):
            return len(before) - 1, len(self._text) - len(after) + 1
        return start, end

    def _whole(self, statement: ast.stmt) -> tuple[int, int]:
        """All lines of a statement."""
        assert statement.end_lineno is not None
        return self._lines[statement.lineno - 1], self._lines[statement.end_lineno]

    def _whole_block(self, statements: Sequence[ast.stmt]) -> tuple[int, int]:
        """All lines of a block, from the line behind the one that opens it: comments belong to it."""
        first, end = self._whole(statements[0])[0], self._whole(statements[-1])[1]
        return self._above(first), end

    def _without(self, statement: ast.stmt) -> Edit:
        """A statement goes, with the comments right above it."""
        start, end = self._whole(statement)
        return Edit(self._above(start), end)

    def _above(self, start: int) -> int:
        """Where the comment lines begin that stand right above a line."""
        number = self._lines.index(start)
        while number and self._text[self._lines[number - 1] : self._lines[number]].lstrip().startswith(b"#"):
            number -= 1
        return self._lines[number]

    def _without_first(self, items: Sequence[ast.expr | ast.arg], rest: str) -> Edit:
        """The first argument or parameter goes, up to the next one, or with the `rest` behind it."""
        start, end = self._span(items[0])
        if len(items) > 1:
            return Edit(start, self._span(items[1])[0])
        return Edit(start, end + (len(rest) if self._text.startswith(rest.encode(), end) else 0))

    def _apply(self, start: int, end: int, edits: Sequence[Edit]) -> bytes:
        """The text between two places, edited."""
        parts, at = [], start
        for edit in sorted(edits):
            if edit.start < at:
                continue  # inside of what has gone already
            parts += [self._text[at : edit.start], edit.text]
            at = edit.end
        return b"".join([*parts, self._text[at:end]])


def _imports_switches(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "hugeresv.model.behaviour"


def _dedented(text: bytes) -> bytes:
    """Lines one level further out."""
    return b"".join(line[_INDENT:] if line.strip() else line for line in text.splitlines(keepends=True))


def _tidied(text: str, original: str) -> str:
    """The source without what folding has made idle: names that nothing reads, an `if` with one answer either way."""
    was_read = {(function.name, name) for function in _functions(ast.parse(original)) for name in _read(function)}
    idle: set[int] = set()
    for function in _functions(ast.parse(text)):
        read = _read(function)
        for statement in ast.walk(function):
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Attribute() | ast.Name()):
                    if name not in read and (function.name, name) in was_read:
                        idle |= _lines_of(statement)
                case ast.FunctionDef(body=block) | ast.If(body=block):
                    for one, following in pairwise(block):
                        if _answers_alike(one, following):
                            idle |= _lines_of(one)
    lines = text.splitlines(keepends=True)
    kept = "".join(line for number, line in enumerate(lines, 1) if number not in idle)
    return re.sub(r"\n{4,}", "\n\n\n", kept)


def _answers_alike(one: ast.stmt, following: ast.stmt) -> bool:
    """Whether an `if` that does nothing but return is followed by the same return."""
    match one, following:
        case ast.If(test=test, body=[ast.Return() as first], orelse=[]), ast.Return():
            return ast.dump(first) == ast.dump(following) and not does_something(test)
    return False


def _lines_of(statement: ast.stmt) -> set[int]:
    assert statement.end_lineno is not None
    return set(range(statement.lineno, statement.end_lineno + 1))


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _read(function: ast.FunctionDef) -> set[str]:
    """The names that a function reads."""
    return {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
