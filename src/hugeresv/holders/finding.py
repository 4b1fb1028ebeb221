"""What status tells an operator beside the numbers."""

from typing import NamedTuple, Protocol

from hugeresv.ledger.observation import PoolUse
from hugeresv.units import format_bytes


class Finding(NamedTuple):
    """`code` is for programs, `text` for people. `wrong`: the ledger itself is.

    `note`: worth knowing and nothing to mend. `remedy` says what `command` does and costs; without a command it is what
    to do. Both may be empty.
    """

    code: str
    text: str
    wrong: bool = False
    note: bool = False
    remedy: str = ""
    command: str = ""


class _Sized(Protocol):
    @property
    def page_size_kB(self) -> int: ...


def sized(what: _Sized) -> str:
    """The pages of a pool, holder, mount or cgroup: `2M pages`."""
    return f"{format_bytes(what.page_size_kB << 10)} pages"


def grow(pool: PoolUse, pages: int) -> str:
    """The command that adds so many pages to those that there are now, surplus ones included."""
    return f"echo {pool.total + pages} > /sys/kernel/mm/hugepages/hugepages-{pool.page_size_kB}kB/nr_hugepages"
