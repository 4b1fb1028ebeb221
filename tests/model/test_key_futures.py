"""Machine.key, explored: whatever two histories lead to the same key, what comes after is the same."""

from collections.abc import Hashable
from random import Random

import pytest

from hugeresv.answer import Answer
from hugeresv.outcome import Outcome
from hugeresv.scenario import operation as op
from tests.model.fixed import History, after, apply, at, c, d, p

Arrival = tuple[Hashable, History]


def explore(on: str, nr: int, alphabet: History, most: int) -> tuple[dict[Hashable, History], list[Arrival]]:
    """Breadth first from a fresh machine: about `most` keys with a path to each, and further paths to these keys."""
    empty = after(on, [], nr).machine.key()
    paths: dict[Hashable, History] = {empty: []}
    further: list[Arrival] = []
    for path in (queue := [paths[empty]]):
        if len(paths) >= most:
            break
        for operation in alphabet:
            longer = [*path, operation]
            session = after(on, path, nr)
            answer = apply(session, operation)
            if answer is None or answer.outcome is Outcome.HANG:
                continue
            key = session.machine.key()
            if key not in paths:
                paths[key] = longer
                queue.append(longer)
            else:
                further.append((key, longer))
    return paths, further


def futures(on: str, nr: int, path: History, alphabet: History) -> list[tuple[Answer | None, Hashable]]:
    """What each operation answers after that path, and the key that it leads to."""
    results = []
    for operation in alphabet:
        session = after(on, path, nr)
        answer = apply(session, operation)
        results.append((answer, session.machine.key()))
    return results


ALPHABETS: dict[str, tuple[int, History]] = {
    "private": (3, [
        p.mmap("a", 2, over=at(0)), p.write("at", 0), p.read("at", 1), p.munmap("at", 0, 1), p.munmap("at", 1, 1),
        p.dontneed("at", 0, 2), op.Mremap("p", "at", 0, 1, new_pages=1, over=at(4)), p.fork("c"), c.write("at", 0),
        c.munmap("at", 0, 2), c.exit(), op.SetNrHugepages(1), op.SetNrHugepages(3),
    ]),
    "generations": (2, [
        p.mmap("a", 1, over=at(0)), p.write("at", 0), p.dontneed("at", 0), p.exit(), p.fork("c"), c.fork("d"),
        c.write("at", 0), c.dontneed("at", 0), c.exit(), d.write("at", 0), d.exit(),
    ]),
    "file": (3, [
        op.OpenFile("f"), op.CloseFile("f"), p.mmap("a", 2, file="f", over=at(0)),
        p.shared("b", 2, file="f", offset=1, over=at(2)), p.write("at", 0), p.read("at", 1), p.write("at", 2),
        p.munmap("at", 0, 1), p.munmap("at", 2, 1), p.ftruncate("f", 1), p.punch("f", 0, 2), p.fallocate("f", 1, 1),
    ]),
    "truncation": (2, [
        op.OpenFile("f"), p.mmap("a", 1, file="f", over=at(0)), p.mmap("b", 1, file="f", over=at(1)),
        p.noreserve("b", 1, file="f", over=at(2)), p.write("at", 0), p.write("at", 1), p.write("at", 2), p.fork("c"),
        c.exit(), p.ftruncate("f", 0), op.SetNrHugepages(1), op.SetNrHugepages(3), op.SetNrOvercommit(2),
    ]),
    "closed file": (2, [
        op.Memfd("f"), op.CloseFile("f"), p.mmap("a", 1, file="f", over=at(0)),
        p.noreserve("b", 1, file="f", over=at(1)), p.write("at", 0), p.write("at", 1), p.munmap("at", 0, 1),
        p.fork("c"), c.write("at", 0), c.write("at", 1), c.munmap("at", 0, 1), c.exit(),
        p.mmap("c", 1, over=at(2)), p.munmap("at", 2, 1),
    ]),
    "shared": (3, [
        p.shared("a", 3, over=at(0)), p.write("at", 0), p.write("at", 1), p.munmap("at", 0, 1), p.munmap("at", 2, 1),
        p.madvise("at", 1, 1, "remove"), p.fork("c"), c.write("at", 2), c.munmap("at", 0, 3),
        p.mprotect("at", 1, 1, "r"),
    ]),
    "mount": (4, [
        op.Mount("m", 3, 1), op.Umount("m"), op.OpenFile("f", "m"), op.CloseFile("f"),
        p.shared("a", 2, file="f", over=at(0)), p.noreserve("b", 1, file="f", over=at(2)), p.write("at", 0),
        p.write("at", 2), p.munmap("at", 0, 2), p.munmap("at", 2, 1), p.punch("f", 0, 1),
    ]),
    "cgroup": (4, [
        p.into("g"), op.CgroupMove("p", "h"), op.CgroupRmdir("g"), p.mmap("a", 2, over=at(0)),
        p.noreserve("b", 1, over=at(2)), p.write("at", 0), p.write("at", 2), p.munmap("at", 0, 1), p.munmap("at", 2, 1),
        p.fork("c"), c.write("at", 2), c.exit(),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("on", ["ideal", "6.18"])
@pytest.mark.parametrize("name", ALPHABETS)
def test_equal_keys_have_equal_futures(name: str, on: str) -> None:
    """From machines with equal keys every operation answers alike and leads to equal keys.

    Catches: a key that leaves out something visible: of two paths to it, one goes on differently.
    """
    nr, alphabet = ALPHABETS[name]
    paths, further = explore(on, nr, alphabet, 120)
    known: dict[Hashable, list[tuple[Answer | None, Hashable]]] = {}
    for key, path in Random(name).sample(further, min(150, len(further))):
        if key not in known:
            known[key] = futures(on, nr, paths[key], alphabet)
        assert futures(on, nr, path, alphabet) == known[key], f"{paths[key]}\nand\n{path}\nhave the same key"
