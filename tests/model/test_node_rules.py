"""Rules of policies, cpusets, pool sizes and moves on several nodes: each program, and the fault that only it shows.

5.10.262, 6.1.192, 6.12.118, 6.18.15 and 7.3.4 answered all of them so in guests with two nodes, or with three.
"""

from typing import NamedTuple

import pytest

from hugeresv.scenario.scn_format import parse_scn
from tests.played import on

KERNELS = ("5.10", "6.1", "6.12", "6.18.15", "7.3", "ideal")


class Rule(NamedTuple):
    """What is true, the fault that breaks it, and a program that shows it."""

    truth: str
    catches: str
    program: str


RULES = (
    Rule(
        "PREFERRED_MANY: the CPU's node comes first where it is named",
        "the nodes in the order of their numbers",
        """\
pool 2M nr=2+2

a  set_cpu 1
a  set_mempolicy preferred_many nodes=0,1
a  mmap m 1 private
a  touch m 0               -> nodes=2/2/0,2/1/0
""",
    ),
    Rule(
        "LOCAL: nr_hugepages_mempolicy is about the node of the writer's CPU",
        "a write for all nodes",
        """\
pool 2M nr=0+0

a  set_cpu 1
a  set_mempolicy local
a  set_nr_hugepages 2 mempolicy  -> nodes=0/0/0,2/2/0
""",
    ),
    Rule(
        "PREFERRED with several nodes is about the lowest one alone",
        "a write for every node that was named",
        """\
pool 2M nr=0+0

a  set_mempolicy preferred nodes=0,1
a  set_nr_hugepages 2 mempolicy  -> nodes=2/2/0,0/0/0
""",
    ),
    Rule(
        "Surplus for a promise comes from a node of the cpuset, where the CPU's is none",
        "a page on the CPU's node, which the task may not use",
        """\
pool 2M nr=0+0 overcommit=1
cgroup k

   cpuset_set k mems=1
a  cgroup_move k
a  mmap m 1 private        -> ok nodes=0/0/0,1/1/1
""",
    ),
    Rule(
        "A cpuset has no node that the one above it has not",
        "nodes of the cgroup alone",
        """\
pool 2M nr=1+2
cgroup top
cgroup k parent=top

   cpuset_set top mems=0
   cpuset_set k mems=0,1
a  cgroup_move k
a  mmap m 2 private        -> ENOMEM
a  mmap m 1 private        -> ok
a  touch m 0               -> nodes=1/0/0,2/2/0
""",
    ),
    Rule(
        "Growth adopts surplus of the node whose turn it is to get a page",
        "the turn of the node that loses one",
        """\
pool 2M nr=0+0 overcommit=2

   set_nr_hugepages 1
   set_nr_hugepages 0 node=0
a  mmap m 1 private        -> nodes=1/1/1,0/0/0
a  touch m 0
b  set_cpu 1
b  mmap n 1 private        -> nodes=1/0/1,1/1/1 | 6.12: nodes=2/1/2,0/0/0
   set_nr_hugepages 1      -> surp=1 nodes=1/0/1,1/1/0 | 6.12: nodes=2/1/1,0/0/0
""",
    ),
    Rule(
        "A policy that a mapping has already cuts nothing, wherever the range ends",
        "EINVAL for a range that changes nothing",
        """\
pool 2M nr=2+2

a  mmap m 2 private
a  mbind m 0+2 bind nodes=1      -> ok
a  mbind m 4K+4K bind nodes=1    -> ok
a  mbind m 4K+4K bind nodes=0    -> EINVAL
""",
    ),
    Rule(
        "MOVE leaves a page that another process maps, too; MOVE_ALL takes it",
        "a child's page that moves with its parent's",
        """\
pool 2M nr=2+2

a  mmap m 1 private
a  touch m 0
a  fork c
a  mbind m 0 bind nodes=1 move      -> ok nodes=2/1/0,2/2/0
a  mbind m 0 bind nodes=1 move_all  -> ok nodes=2/2/0,2/1/0
""",
    ),
    Rule(
        "The third node of three, where two are to take its pages, is replaced by the first",
        "the last one, or none",
        """\
pool 2M nr=2+2+2

a  set_cpu 2
a  mmap m 1 private
a  touch m 0                          -> nodes=2/2/0,2/2/0,2/1/0
b  migrate_pages a from=0,1,2 to=0,1  -> nodes=2/1/0,2/2/0,2/2/0
""",
    ),
    Rule(
        "A page does not move to a node outside the cpuset of who asks",
        "a move that only asks whether there is such a node",
        """\
pool 2M nr=2+2
cgroup k

   cpuset_set k mems=0
a  cgroup_move k
a  mmap m 1 private
a  touch m 0
a  move_pages m 0 node=1   -> EACCES nodes=2/1/0,2/2/0
""",
    ),
    Rule(
        "A cpuset may lose a node that a child of it names, since 6.1",
        "EBUSY where only 5.10 says so; ok on 5.10",
        """\
pool 2M nr=2+2
cgroup top
cgroup k parent=top

   cpuset_set top mems=0,1
   cpuset_set k mems=1
   cpuset_set top mems=0   -> ok | 5.10: EBUSY
""",
    ),
    Rule(
        "A cpuset may become empty under the members of its children, since 7.3",
        "members counted of the cgroup alone",
        """\
pool 2M nr=2+2
cgroup top
cgroup k parent=top

   cpuset_set top mems=0
a  cgroup_move k
a  mmap m 1 private
   cpuset_set top mems=    -> ok | 5.10: ENOSPC | 6.1: ENOSPC | 6.12: ENOSPC | 6.18.15: ENOSPC
""",
    ),
    Rule(
        "A preferred node stays as it was named, whatever the cpuset was meanwhile, since 5.14",
        "a node that is replaced for good",
        """\
pool 2M nr=2+2
cgroup k

   cpuset_set k mems=0,1
a  cgroup_move k
a  set_mempolicy preferred nodes=1
   cpuset_set k mems=0
   cpuset_set k mems=0,1
a  mmap m 1 private
a  touch m 0               -> nodes=2/2/0,2/1/0 | 5.10: nodes=2/1/0,2/2/0
""",
    ),
    Rule(
        "A mapping's policy follows the cpuset to its new nodes",
        "SIGBUS for a policy that names a node that is gone",
        """\
pool 2M nr=2+2
cgroup k

   cpuset_set k mems=0
a  cgroup_move k
a  mmap m 1 private
a  mbind m 0 bind nodes=0
   cpuset_set k mems=1
a  touch m 0               -> ok nodes=2/2/0,2/1/0
""",
    ),
)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.truth)
def test_a_rule_of_nodes_holds(rule: Rule, kernel: str) -> None:
    """Every kernel's model answers each program as that kernel did. Catches: what the rule says that it catches."""
    assert on(parse_scn(rule.program, rule.truth), kernel).contradictions == [], rule.catches


def test_a_shrink_leaves_what_is_surplus() -> None:
    """On ideal a shrink leaves a node the pages that its surplus is counted for (kernels do not: H128).

    Catches: any free page taken, which leaves a node with more surplus than pages.
    """
    program = """\
pool 2M nr=2+0

p  mmap a 2 private
   set_nr_hugepages 0 node=0  -> surp=2 nodes=2/2/2,0/0/0
   set_nr_hugepages 4 node=1  -> nodes=2/2/2,4/4/0
   set_nr_hugepages 2         -> nodes=2/2/2,2/2/0
"""
    played = on(parse_scn(program, "shrink"), "ideal")
    assert played.contradictions == []
    assert played.violations == []
