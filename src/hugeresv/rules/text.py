"""The text of a module, and edits of it at the positions that `ast` gives: what is not edited stays as it is."""

import ast
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Edit(NamedTuple):
    """The bytes [start, end) of a source become `text`."""

    start: int
    end: int
    text: bytes = b""


class SourceText:
    """One module's text, and where in it things are."""

    def __init__(self, source: str) -> None:
        self.text = source.encode()
        self.tree = ast.parse(source)
        self.lines = [0]
        for line in self.text.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))

    def edited(self, edits: Iterable[Edit]) -> str:
        """All of the text, edited."""
        return self.apply(0, len(self.text), edits).decode()

    def span(self, node: ast.expr | ast.stmt | ast.arg) -> tuple[int, int]:
        """Where a node begins and ends."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.lines[node.lineno - 1] + node.col_offset, self.lines[node.end_lineno - 1] + node.end_col_offset

    def bracketed(self, node: ast.expr) -> tuple[int, int]:
        """The span of an operand with the brackets around it, if it has any."""
        start, end = self.span(node)
        before, after = self.text[:start].rstrip(), self.text[end:].lstrip()
        if before.endswith(b"(") and after.startswith(b")"):
            return len(before) - 1, len(self.text) - len(after) + 1
        return start, end

    def whole(self, statement: ast.stmt) -> tuple[int, int]:
        """All lines of a statement."""
        assert statement.end_lineno is not None
        return self.lines[statement.lineno - 1], self.lines[statement.end_lineno]

    def whole_block(self, statements: Sequence[ast.stmt]) -> tuple[int, int]:
        """All lines of a block, from the line behind the one that opens it: comments belong to it."""
        first, end = self.whole(statements[0])[0], self.whole(statements[-1])[1]
        return self.above(first), end

    def without(self, statement: ast.stmt) -> Edit:
        """A statement goes, with its decorators and the comments right above it."""
        start, end = self.whole(statement)
        decorators = statement.decorator_list if isinstance(statement, ast.FunctionDef) else []
        first = min([start, *(self.lines[each.lineno - 1] for each in decorators)])
        return Edit(self.above(first), end)

    def above(self, start: int) -> int:
        """Where the comment lines begin that stand right above a line."""
        number = self.lines.index(start)
        while number and self.text[self.lines[number - 1] : self.lines[number]].lstrip().startswith(b"#"):
            number -= 1
        return self.lines[number]

    def apply(self, start: int, end: int, edits: Iterable[Edit]) -> bytes:
        """The text between two places, edited."""
        parts, at = [], start
        for edit in sorted(edits):
            if edit.start < at:
                continue  # inside of what has gone already
            parts += [self.text[at : edit.start], edit.text]
            at = edit.end
        return b"".join([*parts, self.text[at:end]])
