"""The kernels that guests can run, as a listing and as JSON."""

import json
from collections.abc import Iterable
from typing import TextIO

from hugeresv.kernels.guest.config import ConfigPart
from hugeresv.kernels.guest.listing import KernelEntry
from hugeresv.model.release import Evidence
from hugeresv.reports.listing import print_listing
from hugeresv.reports.screen import Screen

_TITLES = ("kernel", "release", "machine", "behaviour")


def show_kernels(screen: Screen, entries: Iterable[KernelEntry]) -> None:
    """A line for each."""
    rows = [
        (
            f"guest:{entry.name}",
            entry.problem or entry.release or f"not here: hugeresv kernels fetch {entry.name}",
            entry.architecture,
            _behaviour(entry),
        )
        for entry in entries
    ]
    print_listing(screen, _TITLES, rows, names=("release",), headings=True)


def _behaviour(entry: KernelEntry) -> str:
    """Its name; `like` before one that is the nearest and was not held against such a release."""
    if entry.behaviour is None:
        return "-"
    return f"like {entry.behaviour}" if entry.evidence is Evidence.NEAREST else entry.behaviour


def write_kernels_json(stream: TextIO, entries: Iterable[KernelEntry]) -> None:
    """One JSON object: a kernel by its name, `release` null where it is not in the cache, `problem` if it has one."""
    kernels = {f"guest:{entry.name}": _object(entry) for entry in entries}
    json.dump(kernels, stream, indent=2)
    stream.write("\n")


def _object(entry: KernelEntry) -> dict[str, object]:
    fields = entry._asdict()
    del fields["name"]
    if entry.problem is None:
        del fields["problem"]
    return fields


def show_config(stream: TextIO, parts: Iterable[ConfigPart]) -> None:
    """A fragment of a kernel's configuration, with the reason above every option."""
    for number, part in enumerate(parts):
        stream.write(f"{chr(10) if number else ''}### {part.title}\n\n")
        stream.writelines(
            f"# {option.reason}\n{'' if part.wanted else '#'}CONFIG_{option.name}={option.value}\n"
            for option in part.options
        )
