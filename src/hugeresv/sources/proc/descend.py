"""Walking the directories of a tree that strangers make as deep and as wide as they like."""

import os
from collections.abc import Callable, Iterator
from typing import NamedTuple


class Directory(NamedTuple):
    """A directory, and the names in it: those of directories that are walked too, and all others."""

    path: str
    folders: list[str]
    others: list[str]


def descend(top: str, failed: Callable[[OSError], None]) -> Iterator[Directory]:
    """Every directory from `top` down, each before those in it, in the order of their names. No link is followed.

    `failed` hears of each that cannot be read. The kernel takes no path of 4096 bytes or more, so that this is also
    what happens to directories that lie too deep.
    """
    waiting = [top]
    while waiting:
        path = waiting.pop()
        folders: list[str] = []
        others: list[str] = []
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    (folders if entry.is_dir(follow_symlinks=False) else others).append(entry.name)
        except OSError as error:
            error.filename = path
            failed(error)
            continue
        folders.sort()
        yield Directory(path, folders, others)
        waiting.extend(f"{path}/{name}" for name in reversed(folders))
