"""What folding leaves without a use goes: functions that nothing calls, and names that nothing reads.

Parameters stay, and imports of what is still there: where two kernels differ in one function, its callers and the head
of its file are the same text.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from hugeresv.rules.text import Edit, SourceText
from hugeresv.rules.values import does_something


def without_idle(text: str, original: str) -> str:
    """A folded source without names that nothing reads any more, and without an `if` that answers alike either way."""
    was_read = {name: _read(function) for name, function in _qualified(ast.parse(original))}
    module = SourceText(text)
    edits = (
        edit
        for name, function in _qualified(module.tree)
        for block in _blocks(function)
        for edit in _idle(module, block, was_read[name] - _read(function))
    )
    return module.edited(edits)


def without_functions(text: str, original: str, file: str, gone: frozenset[tuple[str, str]]) -> str:
    """A source without functions whose answer their callers have, without imports of such, and without uncalled ones.

    `gone` has the first, each with its file. The last are private, and called in the `original`.
    """
    module = SourceText(text)
    text = module.edited(edit for each in module.tree.body for edit in _gone(module, each, file, gone))
    was_read = _read(ast.parse(original))
    while True:
        module = SourceText(text)
        uncalled = was_read - _read(module.tree)
        shorter = module.edited(module.without(each) for each in module.tree.body if _is_private(each, uncalled))
        if shorter == text:
            return re.sub(r"\n{4,}", "\n\n\n", text).strip() + "\n"
        text = shorter


def _is_private(statement: ast.stmt, names: set[str]) -> bool:
    """Whether a statement defines a private function of one of these names."""
    return isinstance(statement, ast.FunctionDef) and statement.name.startswith("_") and statement.name in names


def _idle(module: SourceText, block: Sequence[ast.stmt], idle: set[str]) -> Iterator[Edit]:
    """Assignments to names that nothing reads: a call is still made. Then what is answered alike."""
    for statement in block:
        match statement:
            case ast.Assign(targets=[target]) if _names(target) and _names(target) <= idle:
                if not does_something(statement.value):
                    yield module.without(statement)
                elif isinstance(statement.value, ast.Call):
                    yield Edit(module.span(statement)[0], module.span(statement.value)[0])
    for one, following in pairwise(block):
        if _answers_alike(one, following):
            yield module.without(one)


def _gone(module: SourceText, statement: ast.stmt, file: str, gone: frozenset[tuple[str, str]]) -> Iterator[Edit]:
    match statement:
        case ast.FunctionDef(name=name) if (file, name) in gone:
            yield module.without(statement)
        case ast.ImportFrom(module=str(place), names=names):
            origin = f"{place.removeprefix('hugeresv.model.')}.py"
            kept = [each.name for each in names if (origin, each.name) not in gone]
            if not kept:
                yield module.without(statement)
            elif len(kept) < len(names):
                yield Edit(*module.span(statement), f"from {place} import {', '.join(kept)}".encode())


def _answers_alike(one: ast.stmt, following: ast.stmt) -> bool:
    """Whether an `if` that does nothing but return is followed by the same return."""
    match one, following:
        case ast.If(test=test, body=[ast.Return() as first], orelse=[]), ast.Return():
            return ast.dump(first) == ast.dump(following) and not does_something(test)
    return False


def _qualified(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function of a module by its name, and every method as `Class.method`."""
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            yield statement.name, statement
        elif isinstance(statement, ast.ClassDef):
            methods = (each for each in statement.body if isinstance(each, ast.FunctionDef))
            yield from ((f"{statement.name}.{each.name}", each) for each in methods)


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """Every block of statements in a tree."""
    for node in ast.walk(tree):
        for _, part in ast.iter_fields(node):
            if isinstance(part, list) and part and isinstance(part[0], ast.stmt):
                yield part


def _read(tree: ast.AST) -> set[str]:
    """The names that a tree reads."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _names(target: ast.expr) -> set[str]:
    """The names that a target of an assignment gives; none where it does anything else."""
    match target:
        case ast.Name(id=name):
            return {name}
        case ast.Tuple(elts=targets) if all(isinstance(each, ast.Name) for each in targets):
            return {name for each in targets for name in _names(each)}
    return set()
