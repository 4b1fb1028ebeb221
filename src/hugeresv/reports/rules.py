"""The source of rules as one kernel has them, and the diff of two kernels; for people and as JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import TextIO

from hugeresv.reports.screen import Screen
from hugeresv.rules.source import FunctionSource

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def show_functions(screen: Screen, behaviour: str, functions: Sequence[FunctionSource]) -> None:
    """Each function below a line that says where it is."""
    for number, function in enumerate(functions):
        if number:
            screen.line()
        screen.line(screen.styled(f"# {behaviour}, hugeresv/model/{function.file}", dim=True))
        for line in function.text.splitlines():
            screen.line(line)


def show_difference(screen: Screen, files: Mapping[str, str]) -> None:
    """A unified diff, file by file."""
    for diff in files.values():
        for line in diff.splitlines():
            heading = line.startswith(("+++", "---"))
            styled = screen.styled(line, bold=heading, fg=None if heading else _COLOURS.get(line[:1]))
            screen.stream.write(f"{styled}\n")  # blanks at the end of a line are part of a diff


def write_functions(stream: TextIO, behaviour: str, functions: Sequence[FunctionSource]) -> None:
    """The functions as one JSON object."""
    rows = [{"name": each.name, "file": each.file, "source": each.text} for each in functions]
    _write(stream, {"behaviour": behaviour, "functions": rows})


def write_difference(stream: TextIO, left: str, right: str, files: Mapping[str, str]) -> None:
    """The diff as one JSON object."""
    _write(stream, {"left": left, "right": right, "files": files})


def _write(stream: TextIO, value: Mapping[str, object]) -> None:
    json.dump(value, stream, indent=2)
    stream.write("\n")
