"""The model's own source as one kernel has it, and the diff of two kernels."""

from __future__ import annotations

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
from hugeresv.rules.tidy import without_functions, without_idle
from hugeresv.rules.values import PARAMETER
from hugeresv.scenario.format_error import did_you_mean

WITHOUT_RULES = (
    "__init__.py", "behaviour.py", "presets.py", "release.py", "machine.py", "copying.py", "canonical.py",
    "canonical_file.py", "locks.py",
)  # fmt: skip
"""Files of the model without a rule of a kernel: which switches there are and who has which; the machine as a value."""

CONTEXT = 2
"""Unchanged lines around a change in a diff."""

_MODEL = "hugeresv.model."

Place = tuple[str, str]
"""A file of the model, and a function in it."""

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
    return _model().under(behaviour)


@cache
def _model() -> Sources:
    return Sources(modules())


class Sources:
    """Files to fold, by name, and which of their functions are given a behaviour."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        """ValueError where a name stands for functions of two files."""
        self._sources = sources
        self._takers = {file: frozenset(_takers(source)) for file, source in sources.items()}
        self._meant = {file: self._meaning(file) for file in sources}
        self._folded: dict[tuple[str, Behaviour, frozenset[tuple[str, bool]]], str] = {}
        self._shorter: dict[tuple[str, str, frozenset[Place]], str] = {}

    def _meaning(self, file: str) -> Mapping[str, Place]:
        """What names stand for in a file: a function of its own, or of the file that it is imported from."""
        found: dict[str, Place] = {name: (file, name) for name in self._takers[file]}
        for statement in ast.walk(ast.parse(self._sources[file])):
            if not isinstance(statement, ast.ImportFrom) or not (statement.module or "").startswith(_MODEL):
                continue
            origin = f"{str(statement.module).removeprefix(_MODEL)}.py"
            for each in statement.names:
                name, place = each.asname or each.name, (origin, each.name)
                if each.name in self._takers.get(origin, ()) and found.setdefault(name, place) != place:
                    raise ValueError(f"{file}: the name {name} stands for functions of two files")
        return found

    def under(self, behaviour: Behaviour) -> dict[str, str]:
        """Every file as that behaviour has it."""
        constant: dict[Place, bool] = {}
        while True:  # one that always answers alike may make another do so
            folded = {file: self._fold(file, behaviour, constant) for file in self._sources}
            found = {
                (file, name): value
                for file, source in folded.items()
                for name, value in _constants(source, self._takers[file])
            }
            if found == constant:
                return {file: self._without_functions(file, text, constant) for file, text in folded.items()}
            constant = found

    def _fold(self, file: str, behaviour: Behaviour, constant: Mapping[Place, bool]) -> str:
        """One file: the same for all kernels that agree in what it asks."""
        source, meant = self._sources[file], self._meant[file]
        asked = {each.name: getattr(behaviour, each.name) for each in switches() if each.name in source}
        known = {name: constant[place] for name, place in meant.items() if place in constant}
        key = file, replace(IDEAL, **asked), frozenset(known.items())
        if key not in self._folded:
            self._folded[key] = without_idle(fold(source, key[1], known, frozenset(meant)), source)
        return self._folded[key]

    def _without_functions(self, file: str, text: str, constant: Mapping[Place, bool]) -> str:
        """A file without what no caller is left for."""
        gone = frozenset(place for place in self._meant[file].values() if place in constant)
        key = file, text, gone
        if key not in self._shorter:
            self._shorter[key] = without_functions(text, self._sources[file], file, gone)
        return self._shorter[key]


def _takers(source: str) -> Iterator[str]:
    """The functions that are given a behaviour."""
    for function in ast.parse(source).body:
        if isinstance(function, ast.FunctionDef) and PARAMETER in {each.arg for each in function.args.args}:
            yield function.name


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
        if re.search(rf"^ *def {re.escape(name)}\(", "".join(modules().values()), re.MULTILINE):
            raise InputError(f"nothing in {behaviour.name} calls {name}, or its answer there is always the same")
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
