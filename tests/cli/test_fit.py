"""What `hugeresv fit` prints and answers to a shell, of captured hosts."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Hugeresv, Ran
from tests.sources.trees import make_host

HOSTILE = "x\x1b[2J\ny"


@pytest.fixture
def fit(hugeresv: Hugeresv, tmp_path: Path) -> Hugeresv:
    """The verb on a host with ten pages, seven of them free and three of these promised."""
    make_host(tmp_path, nr=10, free=7, resv=3)
    (tmp_path / "proc/sys/kernel/osrelease").write_text("6.18.44\n")
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")

    def run(*arguments: str | Path) -> Ran:
        return hugeresv("fit", *arguments, "--proc", f"{tmp_path}/proc", "--sys", f"{tmp_path}/sys")

    return run


def test_the_answer_comes_first(fit: Hugeresv) -> None:
    """The first line is the verdict with the size; the status agrees with it.

    Catches: a verdict that must be looked for; a status that says the opposite.
    """
    assert fit("8M") == (0, "Fits: 4 pages of 2M. Every page is assumed to be touched.\n", "")
    ran = fit("8193kB")
    assert (ran.status, ran.err) == (1, "")
    assert ran.out == (
        "Does not fit: 5 pages of 2M. mmap fails with ENOMEM.\n"
        "\n"
        "5 pages needed, 4 available (pool 10, free 7, promised 3, overcommit 0). Grow\n"
        "the pool:\n"
        "  sysctl vm.nr_hugepages=11\n"
        "\n"
        "With this change it fits.\n"
    )


def test_a_page_that_raises_a_signal_is_named(fit: Hugeresv) -> None:
    """Where a touch would raise SIGBUS, the page and its distance are named.

    Catches: SIGBUS, and nobody knows where.
    """
    ran = fit("12M", "--noreserve", "--shared")
    assert ran.status == 1
    assert ran.out.startswith(
        "Does not fit: 6 pages of 2M. mmap succeeds; the program is killed by SIGBUS at\nits 5th page (after 8M).\n"
    )


def test_every_limit_is_named_with_its_command(fit: Hugeresv, tmp_path: Path) -> None:
    """All limits that are too low are named at once, each with its command.

    Catches: one limit at a time, each found only after the one before was changed.
    """
    cgroup = tmp_path / "sys/fs/cgroup/a b"
    cgroup.mkdir(parents=True)
    (cgroup.parent / "cgroup.controllers").write_text("hugetlb\n")
    for name, text in (("cgroup.procs", ""), ("hugetlb.2MB.max", str(4 << 20)), ("hugetlb.2MB.current", "0")):
        (cgroup / name).write_text(text)
    ran = fit("10M", "--cgroup", "/a b")
    assert ran.out.splitlines()[2:] == [
        "5 pages needed, 4 available (pool 10, free 7, promised 3, overcommit 0). Grow",
        "the pool:",
        "  sysctl vm.nr_hugepages=11",
        "",
        "Then mmap succeeds; the program is killed by SIGBUS at its 3rd page (after 4M):",
        "cgroup /a b may use 2 pages (hugetlb.2MB.max), has 0 in use, needs 5. Raise the",
        "limit:",
        "  echo 10485760 > '/sys/fs/cgroup/a b/hugetlb.2MB.max'",
        "",
        "With these 2 changes it fits.",
    ]


def test_pages_that_overcommit_must_find_are_named(fit: Hugeresv, tmp_path: Path) -> None:
    """Where it fits by overcommit alone, the pages that free memory must give are counted.

    Catches: `Fits.` without a word about memory that may not be there.
    """
    (tmp_path / "sys/kernel/mm/hugepages/hugepages-2048kB/nr_overcommit_hugepages").write_text("5\n")
    ran = fit("12M")
    assert ran.status == 0
    assert ran.out == (
        "Fits: 6 pages of 2M. Every page is assumed to be touched.\n"
        "Even so, 2 of the 6 pages (4M) must be found in free memory at that moment.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["0"], "0 bytes"),
        (["1M", "0p"], "0 bytes"),
        (["1.5"], "expected a quantity"),
        (["-1p"], "No such option"),
        (["1.5p"], "expected a quantity"),
        (["1M", "--bind-after"], "--node"),
        ([], "Missing argument"),
        (["12Q"], "expected a quantity"),
        (["-3M"], "No such option"),
        ([""], "expected a quantity"),
        (["1M", "--page-size", "3M"], "no huge pages of 3M"),
        (["1M", "--page-size", "0"], "no huge pages of 0B"),
        (["1M", "--node", "7"], "no NUMA node 7"),
        (["1M", "--node", "-1"], "no NUMA node -1"),
        (["1M", "--pid", "77"], "no process 77"),
        (["1M", "--pid", "-1"], "no process -1"),
        (["1M", "--cgroup", "/none"], "no cgroup '/none'"),
        (["1M", "--cgroup", "../.."], "no cgroup"),
        (["1M", "--cgroup", HOSTILE], "no cgroup"),
        (["1M", "--mount", "/huge", "--sysv"], "no mount"),
        (["1M", "--page-size", HOSTILE], "expected a quantity"),
        ([HOSTILE], "expected a quantity"),
    ],
)
def test_bad_input_is_told(fit: Hugeresv, arguments: list[str], told: str) -> None:
    """A size or an option that is wrong is told in plain characters, with status 2.

    Catches: a traceback, or an answer to another question.
    """
    ran = fit(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert told in ran.err
    assert "\x1b" not in ran.err


def test_a_hostile_mount_is_told(fit: Hugeresv) -> None:
    """A mount whose path has control characters is named with them escaped.

    Catches: a path that moves the cursor on standard error.
    """
    ran = fit("1M", "--mount", HOSTILE)
    assert ran.status == 3
    assert "\x1b" not in ran.err


def test_no_huge_pages(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """Where there are no huge pages, the status is 3. Catches: `Does not fit` where nothing is known."""
    ran = hugeresv("fit", "1M", "--proc", tmp_path, "--sys", tmp_path)
    assert ran.status == 3
    assert "no huge pages here" in ran.err


def test_sizes_are_fractions_and_pages_too(fit: Hugeresv) -> None:
    """1.5G is 768 pages, 4p are four, and a page that is asked for in part is a whole one.

    Catches: `70p` taken for 70 petabytes, or 70 bytes.
    """
    for size, pages in (("1.5G", 768), ("4p", 4), ("4 pages", 4), ("1p", 1), ("0.1K", 1), ("2.0000001M", 2)):
        assert json.loads(fit(size, "--json").out)["request"]["pages"] == pages
    asked = json.loads(fit("3p", "1M", "--json").out)["request"]
    assert (asked["sizes_bytes"], asked["size_bytes"], asked["pages"]) == ([6 << 20, 1 << 20], 7 << 20, 4)


def test_several_mappings_are_told_apart(fit: Hugeresv) -> None:
    """The mapping that fails is named among those that are asked for.

    Catches: an answer for the sum alone.
    """
    assert fit("2p", "4M").out.startswith("Fits: 2 + 2 pages of 2M. ")
    ran = fit("2p", "4M", "2M")
    assert ran.status == 1
    assert ran.out.startswith(
        "Does not fit: 2 + 2 + 1 page of 2M. In mapping 3 of 3 (1 page) mmap fails with\nENOMEM.\n"
    )


def test_what_no_memory_holds_has_no_command(fit: Hugeresv, tmp_path: Path) -> None:
    """Where all memory is not enough it says so, and proposes nothing.

    Catches: "With this change it fits", for a change that this host cannot make.
    """
    (tmp_path / "proc/meminfo").write_text("MemTotal: 65536 kB\nMemAvailable: 4096 kB\nHugepagesize: 2048 kB\n")
    ran = fit("80M")
    assert ran.status == 1
    assert "sysctl" not in ran.out
    assert ran.out.endswith("\nNothing makes it fit on this host.\n")
    assert json.loads(fit("80M", "--json").out)["fits_after"] is False
    assert "sysctl vm.nr_hugepages=32" in fit("52M").out


def test_json_is_all_that_is_printed(fit: Hugeresv) -> None:
    """`--json` prints one object and keeps the status.

    Catches: a line for people in front of it; another status than without.
    """
    for size, status in (("8M", 0), ("10M", 1), ("300T", 1)):
        ran = fit(size, "--json")
        assert ran.status == status
        assert json.loads(ran.out)["fits"] == (status == 0)


def test_what_no_address_space_holds(fit: Hugeresv) -> None:
    """A size beyond every address space does not fit, and no pool is proposed for it.

    Catches: a pool of 157286400 pages, proposed for what cannot be mapped anyway.
    """
    ran = fit("300T")
    assert ran.status == 1
    assert ran.out.endswith("\nNo address space is that large.\n")
