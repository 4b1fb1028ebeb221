"""A kernel's memory in which words are damaged: the audit says what it sees or that it cannot, and ends."""

import random
from pathlib import Path

import pytest

from hugeresv.auditing.audit import audit_machine, audit_target
from hugeresv.errors import HugeresvError, InputError
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.scenario import operation as ops
from hugeresv.sources.drgn.kernel import KernelMemory
from hugeresv.sources.drgn.ram import PhysicalMemory
from hugeresv.sources.drgn.walk import read_machine
from tests.auditing.test_guests import write_dump
from tests.kernels.conftest import pool, settle
from tests.mutated import cases

CASES = 25
STEPS: list[ops.Operation] = [
    ops.Mmap("p", "a", "private", pages=4),
    ops.Touch("p", "a", "write", 1),
    ops.Fork("p", "c"),
    ops.Mount("m", size_pages=4, min_size_pages=2),
    ops.OpenFile("f", "m"),
    ops.Mmap("q", "b", "shared", pages=2, file="f"),
    ops.Touch("q", "b", "write", 1),
    ops.Shmget("q", "s", pages=2),
]


class Damaged:
    """Memory in which single words are other ones; `read` is every place that was looked at, and how much of it."""

    def __init__(self, memory: bytes) -> None:
        self._memory = memory
        self.words: dict[int, bytes] = {}
        self.read: set[tuple[int, int]] = set()

    def __getitem__(self, where: slice) -> bytes:
        self.read.add((where.start, where.stop - where.start))
        content = bytearray(self._memory[where])
        for place, word in self.words.items():
            if where.start <= place < where.stop:
                content[place - where.start : place - where.start + len(word)] = word[: where.stop - place]
        return bytes(content)


def _other_word(rng: random.Random, memory: bytes, pointers: list[int]) -> bytes:
    pointer = rng.choice(pointers)
    values = (bytes(8), b"\xff" * 8, rng.randbytes(8), (1 << rng.randrange(64)).to_bytes(8, "little"))
    return rng.choice([*values, memory[pointer : pointer + 8], memory[pointer : pointer + 8]])


@pytest.mark.timeout(600)
def test_a_damaged_word_ends_no_audit(guest: GuestKernel) -> None:
    """Each word that an audit reads, damaged. Catches: a list that circles for ever, a traceback, all memory taken."""
    with guest.start(pool(12)) as session:
        settle(session, STEPS)
        there = session.memory
        memory = PhysicalMemory(there.path)
        damaged = Damaged(there.path.read_bytes())
        memory._map = damaged  # type: ignore[assignment]
        kernel = KernelMemory(memory.program(there.segments, there.vmcoreinfo))
    damaged.read.clear()
    read_machine(kernel)
    places = sorted({place + at for place, size in damaged.read if size <= 64 for at in range(0, size - 7, 8)})
    pointers = [place for place in places if damaged._memory[place + 6 : place + 8] == b"\xff\xff"]
    failures = []
    for number, rng in cases(CASES):
        damaged.words = {
            rng.choice(places): _other_word(rng, damaged._memory, pointers) for _ in range(rng.choice([1, 1, 2]))
        }
        try:
            reading = read_machine(kernel)
            audit_machine(kernel.host, kernel.release, reading.machine, reading.identities)
        except HugeresvError:
            continue
        except Exception as error:  # noqa: BLE001  it is what is looked for
            failures.append((number, damaged.words, repr(error)))
    assert failures == []


def test_a_list_that_circles(guest: GuestKernel) -> None:
    """The second super block is followed by itself. Catches: an audit without an end."""
    with guest.start(pool(2)) as session:
        there = session.memory
        memory = PhysicalMemory(there.path)
        damaged = Damaged(there.path.read_bytes())
        memory._map = damaged  # type: ignore[assignment]
        kernel = KernelMemory(memory.program(there.segments, there.vmcoreinfo))
        first = kernel.variable("super_blocks").next
        second = first.next.value_().to_bytes(8, "little")
        damaged.read.clear()
        third = first.next.next.value_().to_bytes(8, "little")
        (place,) = {place for place, size in damaged.read if size == 8 and damaged[place : place + 8] == third}
        damaged.words = {place: second}
    with pytest.raises(HugeresvError, match="leads in a circle"):
        read_machine(kernel)


def test_a_dump_that_is_cut_off(guest: GuestKernel, tmp_path: Path) -> None:
    """A disk that was full when the dump was written. Catches: a signal that ends the audit, and a traceback."""
    dump = tmp_path / "dump"
    with guest.start(pool(2)) as session:
        write_dump(session, dump, "kdump-zlib")
    with dump.open("r+b") as file:
        file.truncate(dump.stat().st_size * 2 // 3)
    with pytest.raises(InputError, match="ends in the middle"):
        audit_target(dump)
    dump.unlink()
