"""The kernels that are in the cache: one directory a name, with the images of its releases."""

import re
from pathlib import Path
from typing import NamedTuple

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.cache import cache_directory

PREFIX = "vmlinuz-"


class Image(NamedTuple):
    """A kernel image: `name` is what follows `guest:`, `release` what uname(2) says on it."""

    name: str
    release: str
    path: Path


def images() -> list[Image]:
    """All that are there, by name, the newest release of each name last."""
    found = [
        Image(path.parent.name, path.name.removeprefix(PREFIX), path)
        for path in cache_directory("kernels").glob(f"*/{PREFIX}*")
    ]
    return sorted(found, key=lambda image: (_numbers(image.name), _numbers(image.release)))


def find_image(name: str) -> Image:
    """The newest release of that name. Raises UnavailableError where there is none."""
    found = [image for image in images() if image.name == name]
    if not found:
        directory = cache_directory("kernels") / name
        raise UnavailableError(
            f"guest:{name}: no kernel in {directory}; put one there as {PREFIX}RELEASE "
            "(docs/kernels.md says how to take one out of a package)"
        )
    return found[-1]


def _numbers(release: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", release)]
