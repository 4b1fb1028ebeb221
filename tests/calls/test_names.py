"""Where mappings are put, what names stand for, and what is said of those that stand for nothing. Needs no kernel."""

import pytest

from hugeresv.calls.abi import huge_flag, node_mask, nodes_of
from hugeresv.calls.names import FIRST_ADDRESS, Binding, Names
from hugeresv.calls.resolve import resolve
from hugeresv.errors import ScenarioError
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model.presets import IDEAL
from hugeresv.scenario.operation import (
    CgroupMove,
    CloseFile,
    Exit,
    Fork,
    Ftruncate,
    Memfd,
    MigratePages,
    Mmap,
    Mount,
    Mremap,
    Munmap,
    OpenFile,
    Operation,
    Place,
    SetMempolicy,
    SetNrHugepages,
    Shmat,
    Shmget,
    Shmrm,
    Touch,
    Umount,
)
from hugeresv.scenario.scenario import Cgroup, Pool
from hugeresv.units import cgroup_size

GIB = 1 << 30
PAGE = 2 << 20


def learnt(names: Names, *operations: tuple[Operation, int]) -> None:
    """Resolve operations, each of which returns a value and is learnt."""
    for operation, value in operations:
        call = resolve(operation, names)
        if call.task is not None:
            names.processes.setdefault(call.task, {})
        call.learn(value)


def names_with_a_and_b() -> Names:
    names = Names(PAGE)
    learnt(names, (Mmap("p", "a", "private", pages=4), GIB), (Mmap("p", "b", "private", pages=1), 3 * GIB))
    return names


@pytest.mark.parametrize("length", [1, PAGE, GIB - 1, GIB, GIB + 1, 5 * GIB])
def test_a_gib_is_free_around_every_mapping(length: int) -> None:
    """The next place is a GiB or more behind the mapping, aligned to a GiB as 1 GiB pages want it.

    Catches: a gap counted from the mapping's start, or one that ends right at, before or behind a multiple of a GiB.
    """
    names = Names(PAGE)
    first = names.free_place("p", length)
    learnt(names, (Mmap("p", "a", "private", length_bytes=length), first))
    second = names.free_place("p", length)
    assert second - (first + length) >= GIB
    assert second % GIB == 0


def test_a_place_that_the_kernel_chose_itself_costs_nothing() -> None:
    """A mapping that the kernel put elsewhere leaves the free place free.

    Catches: the next place behind wherever the last mapping is, which may be at the end of the address space.
    """
    names = Names(PAGE)
    learnt(names, (Mmap("p", "a", "private", length_bytes=GIB), FIRST_ADDRESS + 100 * GIB))
    assert names.free_place("p", 1) == FIRST_ADDRESS


def test_a_place_that_was_given_back_is_found_when_all_have_been_given_out() -> None:
    """With every place up to the end given out there is none, until something is unmapped.

    Catches: a search that is not made again, or a place in the middle of what is mapped.
    """
    names = Names(PAGE, end_address=FIRST_ADDRESS + 8 * GIB, mapped=lambda _: [(0, FIRST_ADDRESS)])
    for number in range(3):
        learnt(names, (Mmap("p", f"m{number}", "private", pages=1), names.free_place("p", PAGE)))
    assert names.free_place("p", PAGE) == FIRST_ADDRESS + GIB
    full = Names(PAGE, end_address=GIB, mapped=lambda _: [(0, GIB)])
    assert full.free_place("p", PAGE) >= GIB


def test_a_hundred_thousand_mappings_are_refused_where_there_is_no_room_and_made_where_there_is() -> None:
    """The model maps as many as fit with a GiB between them, then answers ENOMEM, and maps again after an munmap.

    Catches: a mapping over another one, or a place that is never found again.
    """
    with ModelKernel(IDEAL).start(Pool(2048, 0)) as session:
        answers = [
            session.apply(Mmap("p", f"m{number}", "private", pages=1, noreserve=True)).outcome
            for number in range(70_000)
        ]
        made = answers.count("ok")  # type: ignore[arg-type]
        assert answers == ["ok"] * made + ["ENOMEM"] * (70_000 - made)
        assert made > 60_000
        for name in ("m5", "m6"):
            assert session.apply(Munmap("p", name, 0, 1)).outcome == "ok"
        assert session.apply(Mmap("p", "again", "private", pages=1, noreserve=True)).outcome == "ok"
        assert session.names.mapping("p", "again").start < session.names.mapping("p", "m8").start


@pytest.mark.parametrize(
    ("kilobytes", "name"), [(64, "64KB"), (2048, "2MB"), (32768, "32MB"), (1 << 20, "1GB"), (16 << 20, "16GB")]
)
def test_cgroup_size(kilobytes: int, name: str) -> None:
    """A page size is spelled as in hugetlb.2MB.max. Catches: a wrong unit, which would be a file that is not there."""
    assert cgroup_size(kilobytes) == name


def test_huge_flag() -> None:
    """The flag of a page size is MAP_HUGE_2MB or MAP_HUGE_1GB of include/uapi/linux/mman.h.

    Catches: the size in place of its logarithm.
    """
    assert huge_flag(PAGE) == 21 << 26
    assert huge_flag(GIB) == 30 << 26


def test_a_mapping_that_the_kernel_moved_without_a_name_reaches_nowhere() -> None:
    """An ordinary mapping that mremap moved without a name is reached no further than its old place.

    Catches: a name that follows it, on one kernel and not on another.
    """
    names = names_with_a_and_b()
    grow = Mremap("p", "a", 0, 4, new_pages=8, maymove=True)
    learnt(names, (grow, 50 * GIB))
    assert names.mapping("p", "a") == Binding(GIB, 4 * PAGE, shared=False, page_bytes=PAGE)
    learnt(names, (grow, GIB))
    assert names.mapping("p", "a") == Binding(GIB, 8 * PAGE, shared=False, page_bytes=PAGE)


def test_over_says_where_and_move_to_what_it_is_called() -> None:
    """What is moved over a mapping belongs to that mapping's name, as far as it reaches, and to the one of move_to.

    Catches: pages that no name leads to, as those that a leak is about.
    """
    names = names_with_a_and_b()
    call = resolve(Mremap("p", "a", 0, 4, new_pages=4, over=Place("b", 0), move_to="c"), names)
    assert call.words[-1] == 3 * GIB
    call.learn(3 * GIB)
    assert (
        names.mapping("p", "b") == names.mapping("p", "c") == Binding(3 * GIB, 4 * PAGE, shared=False, page_bytes=PAGE)
    )


def test_a_child_has_its_parents_names_and_its_own_from_then_on() -> None:
    """A child of fork begins with its parent's names, and the two go on apart.

    Catches: one table of mappings for parent and child, or one that stays when the process has ended.
    """
    names = names_with_a_and_b()
    learnt(names, (Fork("p", "c"), 0), (Mmap("c", "a", "shared", pages=1), 9 * GIB))
    assert names.mapping("p", "a").start == GIB
    assert names.mapping("c", "a") == Binding(9 * GIB, PAGE, shared=True, page_bytes=PAGE)
    learnt(names, (Exit("p"), 0))
    assert list(names.processes) == ["c"]


def test_the_name_of_a_removed_segment_is_free_and_still_stands_for_it() -> None:
    """The name of a removed segment still attaches it, and may be given to a new one: shmget(2) with IPC_PRIVATE.

    Catches: a name lost with shmrm, or one that stays taken.
    """
    names = Names(PAGE)
    learnt(names, (Shmget("p", "s", pages=2), 7), (Shmrm("s"), 0))
    assert resolve(Shmat("p", "s", "m"), names).name == "shmat"
    learnt(names, (Shmget("p", "s", pages=3), 8))
    assert names.segment("s").size_bytes == 3 * PAGE


WRONG: list[tuple[Operation, str]] = [
    (Touch("p", "c", "read"), "process 'p' has no mapping 'c'; it has: a, b"),
    (Touch("q", "a", "read"), "process 'q' has no mapping 'a'; it has: none"),
    (Mmap("p", "c", "private", pages=1, over=Place("c")), "process 'p' has no mapping 'c'"),
    (Mmap("p", "c", "private", pages=1, file="f"), "there is no open file 'f'"),
    (Mmap("p", "c", "private", pages=1, file="f", normal=True), "both ordinary memory and of file"),
    (Mmap("p", "c", "private", pages=1, noreplace=True), "noreplace has an effect only with over"),
    (Mremap("p", "a", 0, 4, new_pages=4, over=Place("c")), "process 'p' has no mapping 'c'"),
    (Fork("p", "p"), "process 'p' exists already"),
    (Shmat("p", "s", "c"), "there is no segment 's'"),
    (Shmrm("s"), "there is no segment 's'"),
    (Ftruncate("p", "f", 1), "there is no open file 'f'"),
    (CloseFile("f"), "there is no open file 'f'"),
    (Umount("m"), "nothing is mounted as 'm'"),
    (OpenFile("f", "m"), "nothing is mounted as 'm'"),
    (CgroupMove("p", "g"), "there is no cgroup 'g'"),
]


@pytest.mark.parametrize(("operation", "said"), WRONG, ids=str)
def test_wrong_use_is_named(operation: Operation, said: str) -> None:
    """A name that stands for nothing is refused before anything is called, and the names are as they were.

    Catches: a call made with half of its names, or a name bound by a refused operation.
    """
    names = names_with_a_and_b()
    with pytest.raises(ScenarioError, match=said):
        resolve(operation, names)
    assert vars(names) == vars(names_with_a_and_b())


def test_a_name_is_not_given_twice() -> None:
    """A name in use is refused for a second file, segment or mount.

    Catches: a file, segment or mount that the second one of its name would replace.
    """
    names = Names(PAGE)
    learnt(names, (Memfd("f"), 3), (Shmget("p", "s", pages=1), 4), (Mount("m"), 0))
    for operation, said in (
        (OpenFile("f"), "file 'f' is open already"),
        (Shmget("p", "s", pages=1), "segment 's' exists already"),
        (Mount("m"), "'m' is mounted already"),
    ):
        with pytest.raises(ScenarioError, match=said):
            resolve(operation, names)


def test_parents_of_cgroups() -> None:
    """Cgroups are listed parents first; one that descends from itself, or from none that is declared, is refused.

    Catches: a cgroup made before its parent.
    """
    assert list(Names(PAGE, {"in": Cgroup(parent="top"), "top": Cgroup()}).cgroups) == ["top", "in"]
    with pytest.raises(ScenarioError, match="'b' has parent 'c', which is not declared"):
        Names(PAGE, {"a": Cgroup(parent="b"), "b": Cgroup(parent="c")})
    with pytest.raises(ScenarioError, match="each other's parents: 'a', 'b'"):
        Names(PAGE, {"a": Cgroup(parent="b"), "b": Cgroup(parent="a")})


def test_lengths_are_in_pages_of_their_own_size() -> None:
    """A mapping's pages are as large as its page size or its file's. Catches: offsets counted in the first pool's."""
    names = Names(PAGE, further_sizes=(GIB,), next_address=GIB)
    learnt(names, (Memfd("f", page_size_kB=GIB >> 10), 3), (Mmap("p", "m", "shared", pages=2, file="f"), GIB))
    assert names.mapping("p", "m") == Binding(GIB, 2 * GIB, shared=True, page_bytes=GIB)
    assert resolve(Touch("p", "m", "write", 1), names).words[0] == 2 * GIB
    assert resolve(Mmap("p", "n", "private", pages=1, page_size_kB=GIB >> 10), names).words[3] >> 26 == 30
    for wrong, why in (
        (Mmap("p", "n", "shared", pages=1, file="f", page_size_kB=2048), "cannot have pages of 2M: .* has pages of 1G"),
        (Memfd("g", page_size_kB=64), "there is no pool of 64K pages; there is: 1G, 2M"),
        (SetNrHugepages(1, mempolicy=True), "with mempolicy needs a process"),
        (SetMempolicy("p", "bind", (1024,)), "there is no node 1024: Linux has at most 1024"),
        (MigratePages("p", "q", (0,), (1,)), "there is no process 'q'"),
    ):
        with pytest.raises(ScenarioError, match=why):
            resolve(wrong, names)


def test_a_set_of_nodes_is_a_mask_of_64_bit_words() -> None:
    """include/uapi/linux/mempolicy.h. Catches: a mask that is a byte short, so that the kernel reads beyond it."""
    assert (node_mask([]), node_mask([0, 1]), len(node_mask([64]))) == (bytes(8), b"\x03" + bytes(7), 16)
    assert nodes_of(node_mask([1, 64])) == (1, 64)
