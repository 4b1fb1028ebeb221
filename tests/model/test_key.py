"""Machine.key: equal for what no later operation can tell apart, different for what one can."""

import pytest

from hugeresv.invariants.steps import levels
from hugeresv.scenario import operation as op
from tests.model.fixed import History, after, at, c, p
from tests.model.graph import things

mapped = [p.mmap("a", 3, over=at(0))]
touched = [*mapped, p.write("at", 0), p.write("at", 1)]
filed = [op.OpenFile("f"), p.shared("a", 2, file="f", over=at(0)), p.mmap("b", 2, file="f", over=at(2))]

SAME: dict[str, tuple[History, History]] = {
    "touches in another order": (touched, [*mapped, p.write("at", 1), p.write("at", 0)]),
    "read or written": (touched, [*mapped, p.read("at", 0), p.read("at", 1)]),
    "mapped and unmapped": ([], [*mapped, p.munmap("at", 0, 3)]),
    "a mapping that was refused": (touched, [*touched, p.mmap("b", 5, over=at(4))]),
    "a touch that was refused": (touched, [*touched, p.write("at", 7)]),
    "a child that is gone": (touched, [*touched, p.fork("c"), c.write("at", 0), c.exit()]),
    "dropped and promised again": (mapped, [*touched, p.dontneed("at", 0, 2)]),
    "a file that is gone": ([], [op.OpenFile("f"), p.fallocate("f", 0, 2), op.CloseFile("f")]),
    "a segment that is gone": ([], [p.shmget("s", 2), op.Shmrm("s")]),
    "a mount that is gone": ([], [op.Mount("m", 4, 2), op.Umount("m")]),
    "files in another order": (
        [op.OpenFile("f"), op.OpenFile("g"), p.fallocate("f", 0, 1)],
        [op.OpenFile("g"), op.OpenFile("f"), p.fallocate("f", 0, 1)],
    ),
    "mappings in another order": (
        [p.mmap("a", 1, over=at(0)), p.shared("b", 2, over=at(4))],
        [p.shared("b", 2, over=at(4)), p.mmap("a", 1, over=at(0))],
    ),
    "the rest of a mapping, or a mapping of its own": (
        [p.mmap("a", 3, over=at(0)), p.munmap("at", 0, 1), p.write("at", 1)],
        [p.mmap("a", 2, over=at(1)), p.write("at", 1)],
    ),
    "the rest of a shared mapping, or one of its own": (
        [p.noreserve("a", 3, "shared", over=at(0)), p.munmap("at", 0, 1), p.write("at", 1)],
        [p.noreserve("a", 2, "shared", over=at(1)), p.write("at", 1)],
    ),
    "pieces, or neighbours": (
        [p.mmap("a", 2, over=at(0)), p.mprotect("at", 1, 1, "r"), p.mprotect("at", 1, 1, "rw")],
        [p.mmap("a", 1, over=at(0)), p.mmap("b", 1, over=at(1))],
    ),
    "pages of a shared mapping that nobody can reach any more": (
        [p.shared("a", 3, over=at(0)), p.write("at", 0), p.munmap("at", 0, 2)],
        [p.shared("a", 3, over=at(0)), p.write("at", 1), p.munmap("at", 0, 2)],
    ),
    "moved there and back": (touched, [*touched, p.move("at", 0, 3, "m"), op.Mremap(
        "p", "m", 0, 3, new_pages=3, over=at(0)
    )]),
    "a removed cgroup, or the one above": (
        [p.into("g"), *touched, p.fork("c"), c.into("g"), p.exit(), c.exit(), op.CgroupRmdir("g")],
        [p.into("g"), p.exit(), op.CgroupRmdir("g")],
    ),
    "the order of a file's mappings, none of which is an owner's": (
        [op.OpenFile("f"), p.noreserve("a", 1, file="f", over=at(0)), p.noreserve("b", 1, file="f", over=at(1))],
        [op.OpenFile("f"), p.noreserve("b", 1, file="f", over=at(1)), p.noreserve("a", 1, file="f", over=at(0))],
    ),
    "the order of mappings of a file that nobody can truncate": (
        [op.Memfd("f"), p.mmap("a", 1, file="f", over=at(0)), p.mmap("b", 1, file="f", over=at(1)), op.CloseFile("f")],
        [op.Memfd("f"), p.mmap("b", 1, file="f", over=at(1)), p.mmap("a", 1, file="f", over=at(0)), op.CloseFile("f")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SAME)
def test_paths_to_the_same_state_have_equal_keys(what: str) -> None:
    """Histories that no later operation can tell apart lead to equal keys.

    Catches: a key with creation order, counts of references, layout, or things that are gone.
    """
    one, other = (after("ideal", history).machine.key() for history in SAME[what])
    assert one == other


many = [op.OpenFile("f"), p.noreserve("a", 4, file="f", over=at(0))]
lonely = [op.OpenFile("f"), p.mmap("a", 1, file="f", over=at(0)), p.write("at", 0)]

TOLD_APART: dict[str, tuple[str, History, History, *tuple[op.Operation, ...]]] = {
    "which page is consumed": (
        "6.1", [*touched, p.dontneed("at", 0)], [*touched[:1], p.write("at", 1), p.write("at", 2), p.dontneed("at", 2)],
        p.munmap("at", 0, 1),
    ),
    "access rights": ("6.18", mapped, [*mapped, p.mprotect("at", 0, 3, "r")], p.write("at", 0)),
    "what is not forked": ("6.18", mapped, [*mapped, p.madvise("at", 0, 3, "dontfork")], p.fork("c"), c.read("at", 0)),
    "a split": ("6.12", mapped, [*mapped, p.mprotect("at", 0, 1, "r"), p.mprotect("at", 0, 1, "rw")], p.move(
        "at", 0, 3, "m"
    )),
    "whose pages were stolen": (
        "6.18",
        [*touched, p.mmap("b", 3, over=at(3)), p.fork("c"), p.write("at", 0), p.munmap("at", 3, 3)],
        [*touched, p.mmap("b", 3, over=at(3)), p.fork("c"), c.dontneed("at", 0), p.munmap("at", 3, 3)],
        c.read("at", 0),
    ),
    "which file is mapped twice": (
        "6.18",
        [op.Memfd("f"), p.mmap("a", 1, file="f", over=at(0)), p.noreserve("b", 1, file="f", over=at(1)),
         op.CloseFile("f"), p.write("at", 0), p.fork("c"), p.mmap("c", 5, over=at(2))],
        [op.Memfd("f"), p.mmap("a", 1, file="f", over=at(0)), op.Memfd("g"), p.noreserve("b", 1, file="g", over=at(1)),
         op.CloseFile("f"), op.CloseFile("g"), p.write("at", 0), p.fork("c"), p.mmap("c", 5, over=at(2))],
        p.write("at", 0), p.munmap("at", 2, 5), p.write("at", 1),
    ),
    "which page will be a promise": (
        "6.18",
        [*touched, p.fork("c"), p.dontneed("at", 0)],
        [*touched, p.fork("c"), p.dontneed("at", 1)],
        c.munmap("at", 0, 1),
    ),
    "which page is shared": (
        "ideal",
        [*touched, p.fork("c"), c.munmap("at", 0, 1)],
        [*touched, p.fork("c"), c.munmap("at", 1, 1)],
        p.write("at", 0),
    ),
    "the size of a file": ("6.18", [*many, p.ftruncate("f", 1)], [*many, p.ftruncate("f", 2)], p.write("at", 1)),
    "which page a file has": (
        "6.18", [*many, p.fallocate("f", 0, 1)], [*many, p.fallocate("f", 1, 1)], p.ftruncate("f", 1)
    ),
    "which page a file promises": (
        "6.18",
        [op.OpenFile("f"), p.shared("a", 1, file="f", over=at(0))],
        [op.OpenFile("f"), p.shared("a", 1, file="f", offset=1, over=at(0))],
        p.fallocate("f", 0, 1),
    ),
    "whether a file is open": (
        "6.18",
        [*many, p.fallocate("f", 0, 1)],
        [*many, p.fallocate("f", 0, 1), op.CloseFile("f")],
        p.munmap("at", 0, 4),
    ),
    "whether a segment is to go": (
        "6.18",
        [p.shmget("s", 1), p.shmat("s", "a")],
        [p.shmget("s", 1), p.shmat("s", "a"), op.Shmrm("s")],
        p.shmdt("a"),
    ),
    "how a segment is attached": (
        "6.18",
        [p.shmget("s", 1), p.shmat("s", "a"), p.mprotect("a", 0, 1, "r")],
        [p.shmget("s", 1), op.Shmat("p", "s", "a", readonly=True)],
        p.mprotect("a", 0, 1, "rw"),
    ),
    "which cgroup pays for which page": (
        "6.18",
        [p.noreserve("a", 2, over=at(0)), p.into("g"), p.write("at", 0), p.into("h"), p.write("at", 1)],
        [p.noreserve("a", 2, over=at(0)), p.into("g"), p.write("at", 1), p.into("h"), p.write("at", 0)],
        p.munmap("at", 0, 1),
    ),
    "which cgroup pays for which region": (
        "6.18",
        [*many, p.into("g"), p.shared("b", 1, file="f", over=at(6)), p.into("h"),
         p.shared("c", 1, file="f", offset=1, over=at(7))],
        [*many, p.into("h"), p.shared("b", 1, file="f", over=at(6)), p.into("g"),
         p.shared("c", 1, file="f", offset=1, over=at(7)), p.into("h")],
        p.ftruncate("f", 1),
    ),
    "which cgroup pays for a mapping": (
        "6.18",
        [p.into("g"), p.mmap("a", 1, over=at(0)), p.into("h"), p.mmap("b", 1, over=at(1))],
        [p.into("g"), p.mmap("a", 1, over=at(1)), p.into("h"), p.mmap("b", 1, over=at(0))],
        p.munmap("at", 0, 1),
    ),
    "the cgroup of a process": ("6.18", [p.into("g")], [p.into("h")], p.mmap("a", 1, over=at(0))),
    "the limit of a cgroup": ("6.18", [p.into("g")], [p.into("g"), op.CgroupSet("g", 3, 2)], p.mmap("a", 3)),
    "a page table that is there": (
        "6.18", [p.noreserve("a", 1792)], [p.noreserve("a", 1792), p.write("a", 1791), p.dontneed("a", 1791)],
        p.move("a", 0, 1792, "b"),
    ),
    "the order of a file's mappings": (
        "6.18",
        [*lonely, p.noreserve("b", 1, file="f", over=at(1)), p.write("at", 1), op.SetNrHugepages(1)],
        [*lonely[:1], p.noreserve("b", 1, file="f", over=at(1)), p.write("at", 1), *lonely[1:], op.SetNrHugepages(1)],
        p.ftruncate("f", 0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", TOLD_APART)
def test_what_an_operation_tells_apart_has_different_keys(what: str) -> None:
    """Histories that a later operation answers differently lead to different keys.

    Catches: a key that leaves out something visible: two states with the same counters that go different ways.
    """
    on, first, second, *telling = TOLD_APART[what]
    sessions = after(on, first), after(on, second)
    one, other = (session.machine for session in sessions)
    assert levels(one) == levels(other), "the counters tell them apart already"
    keys = one.key(), other.key()
    answers = [[session.apply(operation) for operation in telling] for session in sessions]
    assert answers[0] != answers[1], "the example does not show what it is to show"
    assert keys[0] != keys[1]


UNSEEN = {
    ("Inode", "cache_end"), ("Inode", "vmas"), ("ResvMap", "refs"), ("HugetlbCgroup", "children"),
    ("HugetlbCgroup", "tasks"), ("Folio", "mapcount"),
    ("Inode", "handles"),  # only whether a segment has any
    ("Subpool", "mounted"),  # one that is not mounted any more has no user
    ("HStateNode", "nr_huge_pages"), ("HStateNode", "free_huge_pages"),
    ("HStateNode", "surplus_huge_pages"), ("Cursor", "next_nid"),  # there is one node
    ("HState", "is_numa"),  # how many nodes it has
    ("Vma", "anon_vma"),  # no page moves on one node
    ("Subpool", "refills_early"),  # as the machine's behaviour has it
    ("Vma", "noreserve"),  # no rule of 6.18 asks for it once the mapping is made
}  # fmt: skip
"""Fields that a key need not show; unless said otherwise because they follow from the rest."""


def test_every_field_makes_a_difference_or_is_known_not_to() -> None:
    """A change of any field changes the key, but for the fields listed as without effect.

    Catches: a field of the model that the key has never heard of.
    """
    machine = after("6.18", [
        p.into("g"), *touched, p.into("h"), p.mprotect("at", 2, 1, "r"), op.OpenFile("f"),
        p.mmap("b", 1, file="f", over=at(3)), p.shared("c", 1, file="f", over=at(4)), p.fallocate("f", 0, 1),
        p.read("at", 3), p.fork("c"), op.Mount("m", 3, 1), p.shmget("s", 1), p.shmat("s", "d"),
        op.Mmap("p", "e", "private", length_bytes=4096, over=at(6), normal=True),
    ], 20).machine  # fmt: skip
    key = machine.key()
    fields: set[tuple[str, str]] = set()
    seen: set[tuple[str, str]] = set()
    for thing in things(machine):
        for name in type(thing).__slots__:
            value = getattr(thing, name)
            if isinstance(value, int):
                setattr(thing, name, not value if isinstance(value, bool) else value + 1)
                fields.add((type(thing).__name__, name))
                if machine.key() != key:
                    seen.add((type(thing).__name__, name))
                setattr(thing, name, value)
    assert fields - seen == UNSEEN
