"""Where the host's mappings are put, and names that are not ours to choose. Needs no kernel."""

import pytest

from hugeresv.errors import ScenarioError
from hugeresv.kernels.host.abi import huge_flag
from hugeresv.kernels.host.calls import call_of
from hugeresv.kernels.host.names import Binding, Names
from hugeresv.scenario.operation import Mmap, Mremap, Place, Shmat, Touch
from hugeresv.units import cgroup_size

GIB = 1 << 30
PAGE = 2 << 20


@pytest.mark.parametrize("length", [1, PAGE, GIB - 1, GIB, GIB + 1, 5 * GIB])
def test_a_gib_is_free_around_every_mapping(length: int) -> None:
    """Also for a mapping that ends right at, before or behind a multiple of a GiB; 1 GiB pages want the alignment."""
    names = Names()
    first = names.free_place()
    names.take_place(first, length)
    second = names.free_place()
    assert second - (first + length) >= GIB
    assert second % GIB == 0


def test_a_place_that_the_kernel_chose_itself_costs_nothing() -> None:
    """A mapping too large for its place may end up anywhere: the next place must not be behind that."""
    names = Names()
    place = names.free_place()
    names.take_place(place + 100 * GIB, GIB)
    assert names.free_place() == place


@pytest.mark.parametrize(
    ("kilobytes", "name"), [(64, "64KB"), (2048, "2MB"), (32768, "32MB"), (1 << 20, "1GB"), (16 << 20, "16GB")]
)
def test_cgroup_size(kilobytes: int, name: str) -> None:
    """As in hugetlb.2MB.max; a wrong unit would be a file that is not there."""
    assert cgroup_size(kilobytes) == name


def test_huge_flag() -> None:
    """MAP_HUGE_2MB and MAP_HUGE_1GB of include/uapi/linux/mman.h."""
    assert huge_flag(PAGE) == 21 << 26
    assert huge_flag(GIB) == 30 << 26


def names_with_a_and_b() -> Names:
    return Names(
        processes={"p": {"a": Binding(GIB, 4 * PAGE, shared=False), "b": Binding(3 * GIB, PAGE, shared=False)}}
    )


def test_a_mapping_that_the_kernel_moved_without_a_name_reaches_nowhere() -> None:
    """An ordinary mapping may be moved by mremap with MAYMOVE alone: its old name keeps its old place."""
    names = names_with_a_and_b()
    call_of(Mremap("p", "a", 0, 4, new_pages=8, maymove=True), names, PAGE).learn(50 * GIB)
    assert names.mapping("p", "a") == Binding(GIB, 4 * PAGE, shared=False)
    call_of(Mremap("p", "a", 0, 4, new_pages=8, maymove=True), names, PAGE).learn(GIB)
    assert names.mapping("p", "a") == Binding(GIB, 8 * PAGE, shared=False)


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (Touch("p", "c", "read"), "process 'p' has no mapping 'c'"),
        (Touch("q", "a", "read"), "process 'q' has no mapping 'a'"),
        (Mmap("p", "c", "private", pages=1, over=Place("c")), "process 'p' has no mapping 'c'"),
        (Mmap("p", "c", "private", pages=1, file="f"), "file 'f' is not open"),
        (Mmap("p", "c", "private", pages=1, file="f", normal=True), "both ordinary memory and of file"),
        (Mremap("p", "a", 0, 4, new_pages=4, move_to="m", over=Place("b")), "both to a free place and over"),
        (Shmat("p", "s", "c"), "there is no segment 's'"),
    ],
    ids=str,
)
def test_wrong_use_is_named(operation: Touch, said: str) -> None:
    """Before anything is called: the names are as they were."""
    names = names_with_a_and_b()
    with pytest.raises(ScenarioError, match=said):
        call_of(operation, names, PAGE)
    assert names == names_with_a_and_b()
