"""Mounts with size= and min_size=: the experiments of docs/kernel/mounts.md, with H93, H94, H105 and H110."""

import pytest

from hugeresv.lab import Actor, play, start
from hugeresv.scenario import operation as op

p, q = Actor("p"), Actor("q")


def test_e16_a_size_limits_promises_and_pages() -> None:
    """size= limits pages and promises of a mount together.

    Catches: a limit that is checked when a page comes but not when it is promised, or that a shared munmap lifts.
    """
    play(
        "6.18", 8,
        (op.Mount("m", 4), "8/8/0/0 m:4"),
        (op.OpenFile("f", "m"), "8/8/0/0 m:4"),
        (op.OpenFile("g", "m"), "8/8/0/0 m:4"),
        (p.shared("a", 5, file="f"), "ENOMEM 8/8/0/0 m:4"),
        (p.shared("a", 3, file="f"), "8/8/3/0 m:1"),
        (p.mmap("b", 2, file="g"), "ENOMEM 8/8/3/0 m:1"),
        (p.mmap("b", 1, file="g"), "8/8/4/0 m:0"),
        (p.noreserve("n", 1, file="g", offset=4), "8/8/4/0 m:0"),
        (p.write("n", 0), "SIGBUS 8/8/4/0 m:0"),
        (p.munmap("b", 0, 1), "8/8/3/0 m:1"),
    )  # fmt: skip


def test_e16_what_is_promised_again_stays_used() -> None:
    """A dropped page that is promised again stays counted in its mount.

    Catches: a dropped page that is given back to its mount though it is promised again.
    """
    play(
        "6.18", 8,
        (op.Mount("m", 4), "8/8/0/0 m:4"),
        (op.OpenFile("f", "m"), "8/8/0/0 m:4"),
        (p.mmap("a", 2, file="f"), "8/8/2/0 m:2"),
        (p.write("a", 0), "8/7/1/0 m:2"),
        (p.dontneed("a", 0), "8/8/2/0 m:2"),
        (p.munmap("a", 0, 2), "8/8/0/0 m:4"),
    )  # fmt: skip


@pytest.mark.parametrize("on", ["5.10", "6.1", "6.12", "ideal"])
def test_e16_what_fills_a_mount(on: str) -> None:
    """A hole frees the mount's pages where it takes a page, and not where there was a promise alone.

    Catches: a hole without a page that frees the mount, or one with a page that does not.
    """
    play(
        on, 8,
        (op.Mount("m", 4), "8/8/0/0 m:4"),
        (op.OpenFile("f", "m"), "8/8/0/0 m:4"),
        (p.shared("a", 3, file="f"), "8/8/3/0 m:1"),
        (p.write("a", 0), "8/7/2/0 m:1"),
        (p.fallocate("f", 3, 2), "ENOSPC 8/6/2/0 m:0"),
        (p.punch("f", 1, 1), "8/6/2/0 m:0"),
        (p.punch("f", 0, 1), "8/7/2/0 m:1"),
        (p.munmap("a", 0, 3), "8/7/2/0 m:1"),
        (op.CloseFile("f"), "8/8/0/0 m:4"),
    )  # fmt: skip


def test_e17_a_minimum_is_promised_and_refilled() -> None:
    """min_size= is promised at mount, used by the first mappings, and refilled when pages come back.

    Catches: a minimum that is promised twice (once by the mount, once by the mapping), or that is not refilled.
    """
    play(
        "6.18", 8,
        (op.Mount("m", None, 3), "8/8/3/0"),
        (op.OpenFile("f", "m"), "8/8/3/0"),
        (p.shared("a", 2, file="f"), "8/8/3/0"),
        (p.write("a", 0), "8/7/2/0"),
        (p.shared("b", 4, file="f", offset=2), "8/7/5/0"),
        (p.write("b", 0), "8/6/4/0"),
        (p.write("b", 1), "8/5/3/0"),
        (p.write("b", 2), "8/4/2/0"),
        (p.write("b", 3), "8/3/1/0"),
        (p.punch("f", 2, 1), "8/4/2/0"),
        (p.punch("f", 3, 1), "8/5/3/0"),
        (p.punch("f", 4, 1), "8/6/4/0"),
        (p.punch("f", 5, 1), "8/7/4/0"),
        (op.Umount("m"), "EBUSY 8/7/4/0"),
        (p.exit(), "8/7/4/0"),
        (op.CloseFile("f"), "8/8/3/0"),
        (op.Umount("m"), "8/8/0/0"),
    )  # fmt: skip


@pytest.mark.parametrize("on", ["6.18", "7.3", "ideal"])
def test_e17b_a_noreserve_page_uses_the_minimum(on: str) -> None:
    """A page that the minimum backs is taken off the reservations, whatever kind of mapping touches it.

    Catches: a NORESERVE page that leaves its promise counted.
    """
    play(
        on, 4,
        (op.Mount("m", None, 3), "4/4/3/0"),
        (op.OpenFile("f", "m"), "4/4/3/0"),
        (p.noreserve("a", 4, file="f"), "4/4/3/0"),
        (p.write("a", 0), "4/3/2/0"),
        (p.write("a", 1), "4/2/1/0"),
        (p.write("a", 2), "4/1/0/0"),
        (p.write("a", 3), "4/0/0/0"),
    )  # fmt: skip


@pytest.mark.parametrize("on", ["5.10", "6.1", "6.12"])
def test_e17b_to_6_14_it_does_not(on: str) -> None:
    """To 6.14 the page is not taken off. The second touch finds all free pages promised, and one promise stays (H93).

    Catches: the rule of 6.15 on an older kernel.
    """
    play(
        on, 4,
        (op.Mount("m", None, 3), "4/4/3/0"),
        (op.OpenFile("f", "m"), "4/4/3/0"),
        (p.noreserve("a", 4, file="f"), "4/4/3/0"),
        (p.write("a", 0), "4/3/3/0"),
        (p.write("a", 1), "SIGBUS 4/3/3/0"),
        (p.munmap("a", 0, 4), "4/4/4/0"),
        end=1,
    )  # fmt: skip


def test_e17c_mounts_that_are_refused() -> None:
    """A minimum above the size is EINVAL, one beyond the pool ENOMEM; a size of 0 is allowed and holds nothing.

    Catches: a refusal that leaves a promise.
    """
    play(
        "6.18", 4,
        (op.Mount("m", 2, 3), "EINVAL 4/4/0/0"),
        (op.Mount("m", None, 5), "ENOMEM 4/4/0/0"),
        (op.Mount("m", 0), "4/4/0/0 m:0"),
        (op.OpenFile("f", "m"), "4/4/0/0"),
        (p.shared("a", 1, file="f"), "ENOMEM 4/4/0/0"),
        (p.noreserve("a", 1, "shared", file="f"), "4/4/0/0"),
        (p.write("a", 0), "SIGBUS 4/4/0/0"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("on", "refused", "unmounted", "end"),
    [
        ("5.10", "9/9/8/0", "9/9/4/0", 0),
        ("6.1", "9/9/8/0", "9/9/4/0", 0),
        ("6.12", "9/9/8/0", "9/9/4/0", 0),
        ("6.18", "9/9/4/0", "9/9/0/0", -4),
        ("7.3", "9/9/8/0", "9/9/4/0", 0),
    ],
)
def test_e17d_a_refused_mapping_loses_the_minimum(on: str, refused: str, unmounted: str, end: int) -> None:
    """6.18 gives the minimum back when the pool refuses a mapping, and again at the umount: an underflow.

    Catches: a refusal that has no effect on 6.18.
    """
    play(
        on, 9,
        (q.mmap("elsewhere", 4), "9/9/4/0"),
        (op.Mount("m", 8, 4), "9/9/8/0"),
        (op.OpenFile("f", "m"), "9/9/8/0"),
        (p.shared("a", 8, file="f"), f"ENOMEM {refused}"),
        (op.CloseFile("f"), refused),
        (op.Umount("m"), unmounted),
        end=end,
    )  # fmt: skip


@pytest.mark.parametrize(("on", "end"), [("5.10", -3), ("6.1", -3), ("6.12", -3), ("6.18", 0), ("7.3", 0)])
def test_e17e_a_refused_mapping_refills_the_minimum(on: str, end: int) -> None:
    """To 6.14 what the pool refused fills the minimum without a promise: underflow by 3 at the end.

    Catches: the rule of 6.15 on an older kernel, or that of 6.14 on a newer one.
    """
    play(
        on, 10,
        (op.Mount("m", None, 4), "10/10/4/0"),
        (op.OpenFile("f", "m"), "10/10/4/0"),
        (op.OpenFile("g", "m"), "10/10/4/0"),
        (p.shared("a", 3, file="f"), "10/10/4/0"),
        (p.shared("b", 20, file="g"), "ENOMEM 10/10/4/0"),
        (p.shared("b", 1, file="g"), "10/10/4/0"),
        (p.exit(), "10/10/4/0"),
        end=end,
    )  # fmt: skip


@pytest.mark.parametrize(("on", "lost"), [("5.10", 0), ("6.1", 0), ("6.12", 0), ("6.18", 1), ("7.3", 1), ("ideal", 0)])
def test_e17f_a_fault_that_finds_no_page_fills_the_mount(on: str, lost: int) -> None:
    """From 6.15 each failing touch or fallocate counts a page of the mount as used, until nothing fits.

    Catches: a failure that leaves the mount as it was.
    """
    play(
        on, 0,
        (op.Mount("m", 4), "0/0/0/0 m:4"),
        (op.OpenFile("f", "m"), "0/0/0/0 m:4"),
        (p.noreserve("a", 2, "shared", file="f"), "0/0/0/0 m:4"),
        (p.write("a", 0), f"SIGBUS 0/0/0/0 m:{4 - lost}"),
        (p.fallocate("f", 1, 1), f"ENOSPC 0/0/0/0 m:{4 - 2 * lost}"),
    )  # fmt: skip


@pytest.mark.parametrize(("on", "end"), [("6.12", -1), ("6.18", 0), ("7.3", 0)])
def test_e17h_failing_touches_refill_the_minimum(on: str, end: int) -> None:
    """To 6.14 a touch that finds no page refills the minimum without a promise (H94).

    Catches: the minimum left alone, or refilled on a release that has the fix.
    """
    play(
        on, 3,
        (op.Mount("m", None, 2), "3/3/2/0"),
        (op.OpenFile("f", "m"), "3/3/2/0"),
        (p.shared("a", 2, file="f", populate=True), "3/1/0/0"),
        (q.mmap("elsewhere", 1, populate=True), "3/0/0/0"),
        (p.noreserve("n", 2, "shared", file="f", offset=2), "3/0/0/0"),
        (p.write("n", 0), "SIGBUS 3/0/0/0"),
        (p.write("n", 1), "SIGBUS 3/0/0/0"),
        (p.punch("f", 0, 2), f"3/2/{2 + end}/0"),
        (p.shared("b", 2, file="f"), f"3/2/{2 + end}/0"),
        end=end,
    )  # fmt: skip


def test_e17g_a_minimum_alone_refills_early() -> None:
    """Without size= the first pages that are freed refill the minimum, however many are still in use.

    Catches: a refill that waits until the mount uses less than its minimum.
    """
    rows = [
        (op.OpenFile("f", "m"), "8/8/2/0"),
        (p.shared("a", 5, file="f", populate=True), "8/3/0/0"),
    ]  # fmt: skip
    play(
        "6.18", 8, (op.Mount("m", None, 2), "8/8/2/0"), *rows,
        (p.punch("f", 0, 1), "8/4/1/0"), (p.punch("f", 1, 1), "8/5/2/0"), (p.punch("f", 2, 1), "8/6/2/0"),
    )  # fmt: skip
    play(
        "6.18", 8, (op.Mount("m", 6, 2), "8/8/2/0"), *rows,
        (p.punch("f", 0, 1), "8/4/0/0"), (p.punch("f", 1, 3), "8/7/1/0"), (p.punch("f", 4, 1), "8/8/2/0"),
    )  # fmt: skip


def test_a_mount_made_right_after_another_went_is_shown() -> None:
    """statfs is that of the mounts there are, however many there were before.

    Catches: readings that are kept as long as there are as many mounts.
    """
    session = start("6.18", 4)
    for operation, shown in (
        (op.Mount("m", 3), {"m": (3, 3, 3)}),
        (op.Umount("m"), None),
        (op.Mount("n", 2), {"n": (2, 2, 2)}),
        (op.OpenFile("f", "n"), {"n": (2, 2, 2)}),
        (p.fallocate("f", 0, 1), {"n": (2, 1, 1)}),
    ):
        assert session.apply(operation).statfs == shown
