"""Whether drgn is here, without which no memory can be read."""

from importlib.util import find_spec

from hugeresv.errors import UnavailableError
from hugeresv.shell import installs


def require_drgn() -> None:
    """Raises UnavailableError where it is not installed."""
    if find_spec("drgn") is None:
        raise UnavailableError(f"reading a kernel's memory needs drgn: {installs('drgn')}")
