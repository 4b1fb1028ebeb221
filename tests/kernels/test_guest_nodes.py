"""Two nodes and two page sizes in a guest: every operation of them does what was measured (docs/kernel/nodes.md)."""

import re
from collections.abc import Callable

import pytest

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.hardware import GIB, hardware_for
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.guest.memory import Ram
from hugeresv.play.play import play
from hugeresv.scenario.scenario import NodePages, Pool
from hugeresv.scenario.scn_format import parse_scn


@pytest.fixture(scope="module")
def guest(guests: Callable[[str], GuestKernel]) -> GuestKernel:
    """One kernel for all of them."""
    return guests("6.12")


POLICIES_AND_SIZES = """\
pool 2M nr=0+0

a  set_mempolicy bind nodes=1        -> ok
a  set_nr_hugepages 4 mempolicy      -> total=4 nodes=0/0/0,4/4/0
   set_nr_hugepages 8                -> total=8 nodes=2/2/0,6/6/0
a  set_nr_hugepages 1 mempolicy      -> total=2 nodes=2/2/0,0/0/0
   set_nr_hugepages 2 node=1         -> total=4 nodes=2/2/0,2/2/0
a  mmap m 3 private                  -> ENOMEM
a  set_mempolicy bind nodes=2        -> EINVAL
a  set_mempolicy interleave nodes=0,1
a  mmap m 2 private
a  touch m 1                         -> free=3 nodes=2/2/0,2/1/0
a  mbind m 0+1 weighted_interleave nodes=1 -> ok
a  touch m 0                         -> free=2 nodes=2/2/0,2/0/0
b  set_cpu 1                         -> ok
b  mmap n 1 private
b  touch n 0                         -> free=1 nodes=2/1/0,2/0/0
b  set_cpu 2                         -> EINVAL
   set_nr_hugepages 4 node=2         -> ENOENT
"""

MIGRATION = """\
pool 2M nr=1+1
cgroup k

   cpuset_set k mems=0
a  cgroup_move k
a  mmap m 2 private                  -> ENOMEM
a  mmap m 1 private
a  touch m 0                         -> nodes=1/0/0,1/1/0
   cpuset_set k mems=1               -> nodes=1/1/0,1/0/0 k.usage=1
   cpuset_set k mems=0,1
a  move_pages m 0 node=0             -> ok nodes=1/0/0,1/1/0
a  move_pages m 0 node=1             -> ok nodes=1/1/0,1/0/0
a  move_pages m 1 node=1             -> EFAULT
b  migrate_pages a from=1 to=0       -> ok nodes=1/0/0,1/1/0
a  mbind m 0+1 bind nodes=1 move     -> ok nodes=1/1/0,1/0/0
"""

DEMOTION = """\
pool 1G nr=1+1
pool 2M nr=0+2 overcommit=2

a  mmap m 1 private                  -> free=2 rsvd=1 nodes=1/1/0,1/1/0
   demote 1 node=1                   -> ok total=2
   demote 1                          -> total=1 rsvd=1 nodes=0/0/0,1/1/0 2M.total=514 2M.nodes=512/512/0,2/2/0
   demote 1                          -> ok total=1
   set_demote_size demote_size=1G    -> EINVAL
   set_demote_size demote_size=2M    -> ok
   set_nr_overcommit 1               -> EINVAL
   set_nr_hugepages 0 page_size=2M   -> 2M.total=0 total=1
a  mmap n 1 private page_size=2M     -> 2M.rsvd=1 2M.surp=1 2M.nodes=1/1/1,0/0/0
   open_file f page_size=2M
b  mmap n 1 shared file=f            -> 2M.rsvd=2 2M.surp=2
"""


@pytest.mark.parametrize("program", [POLICIES_AND_SIZES, MIGRATION, DEMOTION])
def test_nodes_and_page_sizes(guest: GuestKernel, program: str) -> None:
    """Answers of experiments N10, N14, N21, N25, N33, B01, B20, G01 to G03, G05.

    Catches: a node's counters read of another; a policy that reaches the agent instead of the process; a status of
    move_pages that is not read; a page size that is the first pool's.
    """
    results = list(play(parse_scn(program, "program.scn"), guest))
    assert [str(found) for result in results for found in result.contradictions] == []


def test_a_guest_has_the_nodes_of_its_pools() -> None:
    """A guest has as many nodes as its pools, and pages of 1 GiB by node; nine nodes are refused.

    Catches: the memory of one node for the pool of two; a first node of three with no room for the kernel.
    """
    two, three = (Pool(2048, nodes=(NodePages(100), *[NodePages(0)] * more)) for more in (1, 2))
    assert hardware_for([two])[:2] == (GIB, 2)
    assert hardware_for([two, Pool(1 << 20, nodes=(NodePages(1), NodePages(2)))]) == (
        16 * GIB, 2, "nokaslr hugepagesz=1G hugepages=0:1,1:2", 2,
    )  # fmt: skip
    assert hardware_for([three]) == (3 * GIB // 2, 3, "", 3)
    with pytest.raises(UnavailableError, match="at most 8 NUMA nodes, and this scenario has 9"):
        hardware_for([Pool(2048, nodes=(NodePages(1),) * 9)])


def test_all_memory_is_on_a_node() -> None:
    """Nodes are of one size, in whole blocks of the buddy allocator, and the last one has the rest.

    Catches: nodes that are not all of the memory, which QEMU refuses.
    """
    with Ram(1 << 30, nodes=3) as ram:
        told = " ".join(ram.arguments)
    assert [int(size) for size in re.findall(r"mem=(\d+)M", told)] == [340, 340, 344]
    assert "-smp 3 " in told
