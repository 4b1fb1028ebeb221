"""What mbind(2) refuses first: a hole in the range, or a page on another node."""

from hugeresv.scenario.scn_format import parse_scn
from tests.played import on

PROGRAM = """\
pool 2M nr=2+2

p  mmap m 2 shared
p  touch m 0
p  mbind m 0+3 bind nodes=1 strict  -> EFAULT
p  mbind m 0 preferred              -> ok
p  mbind m 0+3 bind nodes=1 strict  -> EIO
p  mbind m 0+2 bind nodes=1 strict  -> EIO
p  mbind m 1+2 bind nodes=1 strict  -> EFAULT
p  munmap m 1+1
p  mbind m 0+2 bind nodes=1 strict  -> EFAULT
p  mbind m 0 bind nodes=1 strict    -> EIO
"""
"""Answered so by 5.10.262, 6.18.15 and 7.3.4 in guests."""


def test_a_page_on_another_node_comes_before_a_hole_behind_the_next_vma() -> None:
    """Each VMA is asked for a hole beside it, then for its pages, before the next one is looked at.

    Catches: EFAULT for a hole that the kernel does not get to.
    """
    assert on(parse_scn(PROGRAM, "mbind"), "7.3").contradictions == []
