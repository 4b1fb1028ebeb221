"""The pool of one page size in sysfs: its counters, its size, and what it was before we came."""

import glob
import os
import time
from collections.abc import Callable
from typing import NamedTuple

from hugeresv.errors import UnavailableError
from hugeresv.plain import are, count_of
from hugeresv.sources.pool_files import COUNTERS, OVERCOMMIT, counters, directory

_LONGEST_NUMBER = 32
_PATIENCE_SECONDS, _PAUSE_SECONDS = 1, 0.01


def lost_pages(page_size_kB: int) -> int:
    """Pages that stay in use though no process holds them, as HUGERESV_LOST_PAGES=KB:PAGES says; 0 if it does not.

    A kernel bug can lose pages until the next boot (docs/findings.md). All rules of the pool hold relative to such a
    constant: it is left out of every counter and added to every size written. Raises UnavailableError for a value of
    another form.
    """
    told = os.environ.get("HUGERESV_LOST_PAGES")
    if not told:
        return 0
    size, colon, pages = told.partition(":")
    if not (colon and size.isdecimal() and pages.isdecimal()):
        raise UnavailableError(
            f"HUGERESV_LOST_PAGES={told}: expected the page size in kB and a number of pages, as in 2048:2"
        )
    return int(pages) if int(size) == page_size_kB else 0


class Saved(NamedTuple):
    """What a pool was: persistent pages by NUMA node (the path of the node's file), and the overcommit limit."""

    nr_by_node: dict[str, int]
    nr_overcommit: int


class HugePool:
    """The pool of one page size. Its files stay open: counters are read after every step.

    Writing raises OSError as the kernel refuses it.
    """

    def __init__(self, page_size_kB: int) -> None:
        """Raises UnavailableError when this kernel has no such pages, or they cannot be changed here."""
        self.page_size_kB = page_size_kB
        self._lost = lost_pages(page_size_kB)
        self._path = path = directory(page_size_kB)
        if not os.path.isdir(path):
            raise UnavailableError(f"this kernel has no huge pages of {page_size_kB} kB ({path} is not there)")
        try:
            self._nr = os.open(f"{path}/{COUNTERS[0]}", os.O_RDWR | os.O_CLOEXEC)
            self._nr_overcommit = os.open(f"{path}/{OVERCOMMIT}", os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise UnavailableError(f"cannot change the pool in {path}: {error.strerror}") from None
        self._others = [os.open(f"{path}/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in COUNTERS[1:]]

    def counters(self) -> tuple[int, int, int, int]:
        """Total, free, reserved (signed) and surplus pages, lost pages left out."""
        total, free, resv, surplus = counters(map(_read, (self._nr, *self._others)))
        return total - self._lost, free, resv, surplus

    def is_leaking(self) -> bool:
        """Whether reservations are counted, or too few, although every page is free. For a pool that nothing uses."""
        total, free, resv, _ = self.counters()
        return total == free and resv != 0

    def comes_to_rest(self, at_rest: Callable[[], bool]) -> bool:
        """Whether it comes about within a second.

        The kernel gives some pages back a while after their last owner has ended: buffers of an io_uring, files in
        flight in a socket, mounts of a namespace.
        """
        end = time.monotonic() + _PATIENCE_SECONDS
        while not at_rest():
            if time.monotonic() > end:
                return False
            time.sleep(_PAUSE_SECONDS)
        return True

    def _is_idle(self) -> bool:
        total, free, resv, surplus = self.counters()
        return total == free and not resv and not surplus

    def nr_overcommit(self) -> int:
        """The limit of surplus pages."""
        return _read(self._nr_overcommit)

    def set_nr(self, pages: int, node: int | None = None) -> None:
        """Write nr_hugepages, or that of a node, lost pages added; the kernel may reach fewer, without an error."""
        text = str(pages + self._lost)
        if node is None:
            os.pwrite(self._nr, text.encode(), 0)
        else:
            _write_path(directory(self.page_size_kB, f"/sys/devices/system/node/node{node}") + "/nr_hugepages", text)

    def set_nr_overcommit(self, pages: int) -> None:
        """Write nr_overcommit_hugepages."""
        os.pwrite(self._nr_overcommit, str(pages).encode(), 0)

    def reset(self, nr: int, nr_overcommit: int) -> None:
        """Make it `nr` free pages and this overcommit limit. Nothing may be in use.

        A shrink leaves free surplus pages where reservations are or were counted wrongly, so these become persistent
        pages first. Raises UnavailableError when the pool is not as asked afterwards.
        """
        if self.nr_overcommit() != nr_overcommit:
            self.set_nr_overcommit(nr_overcommit)
        if self.counters() == (nr, nr, 0, 0):
            return
        self.set_nr(self.counters()[0])
        self.set_nr(nr)
        total, free, resv, surplus = self.counters()
        if total < nr:
            raise UnavailableError(
                f"could get only {total} of {count_of(nr, 'huge page')} of {self.page_size_kB} kB: memory is short or "
                "fragmented"
            )
        if (total, free, resv, surplus) != (nr, nr, 0, 0):
            raise UnavailableError(
                f"the pool of {self.page_size_kB} kB cannot be made {count_of(nr, 'free page')}: "
                f"total={total} free={free} rsvd={resv} surp={surplus}"
            )

    def save(self) -> Saved:
        """What `restore` needs. Raises UnavailableError for a pool that is in use: only an idle one may be borrowed."""
        idle = self.comes_to_rest(self._is_idle)
        total, free, resv, surplus = self.counters()
        if not idle:
            raise UnavailableError(
                f"the pool of {self.page_size_kB} kB pages is in use: {total - free} of {count_of(total, 'page')} "
                f"{are(total - free)} handed out, "
                f"{resv} more reserved, {surplus} surplus; end what uses it first"
            )
        nodes = glob.glob(directory(self.page_size_kB, "/sys/devices/system/node/node[0-9]*") + "/nr_hugepages")
        return Saved(
            {node: _read_path(node) for node in nodes} or {f"{self._path}/nr_hugepages": total + self._lost},
            self.nr_overcommit(),
        )

    def restore(self, saved: Saved) -> None:
        """Put size, distribution over nodes and overcommit limit back."""
        if self.nr_overcommit() != saved.nr_overcommit:
            self.set_nr_overcommit(saved.nr_overcommit)
        self.set_nr(self.counters()[0])
        for path, pages in saved.nr_by_node.items():
            _write_path(path, str(pages))

    def close(self) -> None:
        """Close its files."""
        for descriptor in (self._nr, self._nr_overcommit, *self._others):
            os.close(descriptor)


def _read(descriptor: int) -> int:
    return int(os.pread(descriptor, _LONGEST_NUMBER, 0))


def _read_path(path: str) -> int:
    with open(path) as file:
        return int(file.read())


def _write_path(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
