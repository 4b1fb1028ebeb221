"""`hugeresv status --advice`: for people, and as one object, hugeresv-advice/1."""

import json
from collections.abc import Sequence
from typing import TextIO

from hugeresv.holders.advice import BootAdvice
from hugeresv.reports.printable import one_line
from hugeresv.reports.screen import Screen

SCHEMA = "hugeresv-advice/1"


def show_advice(screen: Screen, advice: Sequence[BootAdvice]) -> None:
    """Write it, each command in a line of its own that is not broken."""
    for number, each in enumerate(advice):
        if number:
            screen.line()
        screen.paragraph(one_line(each.text), "  ", first="")
        if each.remedy:
            screen.paragraph(one_line(each.remedy), "  ")
        for command in each.commands:
            screen.line(f"    {one_line(command)}")


def write_advice(stream: TextIO, advice: Sequence[BootAdvice]) -> None:
    """Write it as JSON."""
    json.dump({"schema": SCHEMA, "advice": [each._asdict() for each in advice]}, stream, indent=2)
    stream.write("\n")
