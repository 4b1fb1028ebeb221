"""Where kernels and what is compiled for guests are kept: below XDG_CACHE_HOME, or ~/.cache.

Under `sudo -E` root has another user's home. What root made there its owner could neither use nor replace, and
what the owner makes there meanwhile root would follow: root keeps to his own.
"""

import hashlib
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hugeresv.errors import UnavailableError
from hugeresv.regular_file import replace_file


def cache_directory(kind: str) -> Path:
    """The directory of one kind of thing, which need not be there yet. UnavailableError where a user has no home."""
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "hugeresv" / kind
    try:
        return _home() / ".cache" / "hugeresv" / kind
    except RuntimeError:
        raise UnavailableError(
            "this user has no home directory for the kernels of guests; set XDG_CACHE_HOME to a directory"
        ) from None


def _home() -> Path:
    home = Path.home()
    return Path(pwd.getpwuid(0).pw_dir) if _of_another(home) else home


def _of_another(path: Path) -> bool:
    """Whether we are root and a path that is there is another user's."""
    return os.geteuid() == 0 and path.exists() and path.stat().st_uid != 0


@contextmanager
def written(directory: Path) -> Iterator[None]:
    """Around what is written to a directory of it, which is made. Raises UnavailableError where that cannot be done."""
    there = next(path for path in (directory, *directory.parents) if path.exists())
    if _of_another(there):
        raise UnavailableError(
            f"{there} belongs to user {there.stat().st_uid}, and root would leave files there that this "
            "user cannot replace; run as that "
            "user, or set XDG_CACHE_HOME to another directory"
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise UnavailableError(
            f"{directory} cannot be written: {error.strerror or error}; set XDG_CACHE_HOME to another directory"
        ) from None


def put(path: Path, content: bytes) -> None:
    """Keep a file, which is whole or not there. Raises OSError."""
    replace_file(path, content, 0o644)


def digest(content: bytes) -> bytes:
    """What tells a file from one that has been damaged."""
    return hashlib.sha256(content).digest()
