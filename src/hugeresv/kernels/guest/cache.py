"""Where kernels and what is compiled for guests are kept: below XDG_CACHE_HOME, or ~/.cache."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hugeresv.errors import UnavailableError


def cache_directory(kind: str) -> Path:
    """The directory of one kind of thing, which need not be there yet. UnavailableError where a user has no home."""
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "hugeresv" / kind
    try:
        return Path.home() / ".cache" / "hugeresv" / kind
    except RuntimeError:
        raise UnavailableError(
            "this user has no home, where guests are kept; XDG_CACHE_HOME names another place"
        ) from None


@contextmanager
def written(directory: Path) -> Iterator[None]:
    """Around what is written to a directory of it, which is made. Raises UnavailableError where that cannot be done."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise UnavailableError(
            f"{directory} cannot be written: {error.strerror or error}; XDG_CACHE_HOME names another cache"
        ) from None
