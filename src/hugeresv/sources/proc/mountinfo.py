"""The mounts of a mount namespace, as /proc/PID/mountinfo shows them."""

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hugeresv.sources.proc.files import MalformedError, number, read_lines, unescape

_LARGEST_MAJOR, _LARGEST_MINOR = (1 << 12) - 1, (1 << 20) - 1


class MountInfo(NamedTuple):
    """A line of mountinfo: where, the device number, what is mounted there from what, and the file system's options.

    `root`: what of the file system is mounted there; of a namespace its name, `ipc:[4026532281]`.
    """

    path: str
    device: int
    kind: str
    source: str
    options: dict[str, str]
    root: str = "/"

    @property
    def is_whole(self) -> bool:
        """Whether all of the file system is there; a bind mount may show a directory of it alone."""
        return self.root == "/"


def read_mountinfo(path: str, kind: str) -> list[MountInfo]:
    """The mounts of a kind of file system. Raises OSError.

    Who has a mount namespace of his own can make a hundred thousand mounts in it, so no other line is kept.
    """
    try:
        return list(parse_mountinfo(read_lines(path), kind))
    except MalformedError as error:
        error.filename = path
        raise


def parse_mountinfo(lines: Iterable[bytes], kind: str) -> Iterator[MountInfo]:
    """Those in the lines of a mountinfo file. Raises MalformedError."""
    wanted = f" - {kind} ".encode()
    for line in lines:
        if wanted in line:
            yield _parse(os.fsdecode(line))


def _parse(line: str) -> MountInfo:
    """One line: number, parent, device, root, path, options of the mount, more such, `-`, kind, source, options."""
    mount, _, file_system = line.partition(" - ")
    fields, described = mount.split(" "), file_system.split(" ")
    if len(fields) < 6 or len(described) != 3:
        raise MalformedError("a mount", line)
    major, _, minor = fields[2].partition(":")
    device = os.makedev(
        number(major, "the device", most=_LARGEST_MAJOR), number(minor, "the device", most=_LARGEST_MINOR)
    )
    kind, source, options = described
    named = dict(option.partition("=")[::2] for option in options.split(","))
    return MountInfo(unescape(fields[4]), device, kind, unescape(source), named, unescape(fields[3]))
