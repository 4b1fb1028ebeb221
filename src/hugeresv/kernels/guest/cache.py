"""Where kernels and what is compiled for guests are kept: below XDG_CACHE_HOME, or ~/.cache."""

import os
from pathlib import Path


def cache_directory(kind: str) -> Path:
    """The directory of one kind of thing, which need not be there yet."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hugeresv" / kind
