"""The model's own source as one kernel has it, and the diff of two kernels."""

import ast
import difflib
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from hugeresv.errors import InputError
from hugeresv.model.behaviour import Behaviour, switches
from hugeresv.model.presets import IDEAL
from hugeresv.rules.fold import fold
from hugeresv.rules.values import PARAMETER
from hugeresv.scenario.format_error import did_you_mean

WITHOUT_RULES = (
    "__init__.py", "behaviour.py", "presets.py", "release.py", "machine.py", "copying.py", "canonical.py",
    "canonical_file.py", "locks.py",
)  # fmt: skip
"""Files of the model without a rule of a kernel: which switches there are and who has which; the machine as a value."""

CONTEXT = 2
"""Unchanged lines around a change in a diff."""

_DEFINITION = re.compile(r" *def (\w+)")


class FunctionSource(NamedTuple):
    """A function, or a method as `Class.method`, with its file in `hugeresv/model` and its text."""

    name: str
    file: str
    text: str
    docstring: str


@cache
def modules() -> Mapping[str, str]:
    """The source of every file of the model that has rules, by its name."""
    there = sorted(files("hugeresv.model").iterdir(), key=lambda entry: entry.name)
    chosen = [entry for entry in there if entry.name.endswith(".py") and entry.name not in WITHOUT_RULES]
    return {entry.name: entry.read_text() for entry in chosen}


def model_of(behaviour: Behaviour) -> dict[str, str]:
    """Every file of the model that has rules, as that behaviour has them: no switch is left in it."""
    names = _all_takers()
    constant: dict[str, bool] = {}
    while True:  # one that always answers alike may make another do so
        folded = {file: _folded(file, behaviour, constant) for file in _takers()}
        found = {name: value for source in folded.values() for name, value in _constants(source, names)}
        if found == constant:
            break
        constant = found
    return {file: folded.get(file) or _folded(file, behaviour, constant) for file in modules()}


def _folded(file: str, behaviour: Behaviour, constant: Mapping[str, bool]) -> str:
    """One file: the same for all kernels that agree in what it asks."""
    source = modules()[file]
    asked = {each.name: getattr(behaviour, each.name) for each in switches() if each.name in source}
    return _fold(file, replace(IDEAL, **asked), frozenset(each for each in constant.items() if each[0] in source))


@cache
def _fold(file: str, behaviour: Behaviour, constant: frozenset[tuple[str, bool]]) -> str:
    return fold(modules()[file], behaviour, dict(constant), _all_takers())


@cache
def _takers() -> Mapping[str, frozenset[str]]:
    """The functions that are given a behaviour, by the file that has them."""
    found = {
        file: frozenset(
            function.name
            for function in ast.parse(source).body
            if isinstance(function, ast.FunctionDef) and PARAMETER in {each.arg for each in function.args.args}
        )
        for file, source in modules().items()
    }
    return {file: names for file, names in found.items() if names}


@cache
def _all_takers() -> frozenset[str]:
    return frozenset(name for found in _takers().values() for name in found)


def functions(behaviour: Behaviour) -> Iterator[FunctionSource]:
    """Every function and method of the model, as that behaviour has it."""
    for file, source in model_of(behaviour).items():
        lines = source.splitlines(keepends=True)
        for statement in ast.parse(source).body:
            if isinstance(statement, ast.FunctionDef):
                yield _function(statement.name, file, lines, statement)
            elif isinstance(statement, ast.ClassDef):
                for member in statement.body:
                    if isinstance(member, ast.FunctionDef):
                        yield _function(f"{statement.name}.{member.name}", file, lines, member)


def find(behaviour: Behaviour, name: str) -> list[FunctionSource]:
    """The functions called so, else those whose docstring names that function of the kernel.

    InputError if there is none: `name` may be that of a function, of a method, or `Class.method`.
    """
    known = list(functions(behaviour))
    called = [each for each in known if name in {each.name, each.name.rpartition(".")[2]}]
    found = called or [each for each in known if re.search(rf"\b{re.escape(name)}\b", each.docstring)]
    if not found:
        names = [each.name for each in known]
        raise InputError(f"the model has no function {name!r}{did_you_mean(name, names)}")
    return found


def difference(left: Behaviour, right: Behaviour) -> dict[str, str]:
    """The files in which two behaviours have other rules: each as a unified diff, two lines of context."""
    one, other = model_of(left), model_of(right)
    diffs = {file: _diff(file, left.name, one[file], right.name, other[file]) for file in one}
    return {file: diff for file, diff in diffs.items() if diff}


def _diff(file: str, left: str, one: str, right: str, other: str) -> str:
    """A unified diff, each of whose hunks says in which function it begins."""
    before, after = one.splitlines(keepends=True), other.splitlines(keepends=True)
    lines = difflib.unified_diff(before, after, f"{left}/{file}", f"{right}/{file}", n=CONTEXT)
    return "".join(_with_function(line, before) if line.startswith("@@") else line for line in lines)


def _with_function(header: str, before: list[str]) -> str:
    """`@@ -110,5 +110,5 @@` followed by the function that its first changed line is in, as `diff -p` has it."""
    first = int(header[4:].partition(",")[0].partition(" ")[0]) + CONTEXT
    names = [name for line in before[:first] if (name := _DEFINITION.match(line))]
    return f"{header.rstrip()} {names[-1][1]}\n" if names else header


def _constants(source: str, takers: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """Functions that took a behaviour and do nothing any more but answer True or False."""
    for function in ast.parse(source).body:
        if isinstance(function, ast.FunctionDef) and function.name in takers:
            match [each for each in function.body if not _is_docstring(each)]:
                case [ast.Return(value=ast.Constant(value=bool() as answer))]:
                    yield function.name, answer


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _function(name: str, file: str, lines: list[str], function: ast.FunctionDef) -> FunctionSource:
    """A function with its decorators."""
    first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
    text = textwrap.dedent("".join(lines[first - 1 : function.end_lineno]))
    return FunctionSource(name, file, text, ast.get_docstring(function) or "")
