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
    """A verdict that must be looked for; a status that says the opposite."""
    assert fit("8M") == (0, "Fits: 4 pages of 2M.\n", "")
    ran = fit("8193kB")
    assert (ran.status, ran.err) == (1, "")
    assert ran.out == (
        "Does not fit: 5 pages of 2M. mmap fails with ENOMEM.\n"
        "\n"
        "Because the pool of 10 pages has 7 free, of which 3 are promised; overcommit\n"
        "adds none:\n"
        "  sysctl vm.nr_hugepages=11\n"
        "\n"
        "With this change it fits.\n"
    )


def test_a_page_that_raises_a_signal_is_named(fit: Hugeresv) -> None:
    """SIGBUS, and nobody knows where."""
    ran = fit("12M", "--noreserve", "--shared")
    assert ran.status == 1
    assert ran.out.startswith(
        "Does not fit: 6 pages of 2M. The mapping succeeds, but touching page 4, counted\nfrom 0, raises SIGBUS.\n"
    )


def test_every_limit_is_named_with_its_command(fit: Hugeresv, tmp_path: Path) -> None:
    """One limit at a time, each found only after the one before was changed."""
    cgroup = tmp_path / "sys/fs/cgroup/a b"
    cgroup.mkdir(parents=True)
    (cgroup.parent / "cgroup.controllers").write_text("hugetlb\n")
    for name, text in (("cgroup.procs", ""), ("hugetlb.2MB.max", str(4 << 20)), ("hugetlb.2MB.current", "0")):
        (cgroup / name).write_text(text)
    ran = fit("10M", "--cgroup", "/a b")
    assert ran.out.splitlines()[2:] == [
        "Because the pool of 10 pages has 7 free, of which 3 are promised; overcommit",
        "adds none:",
        "  sysctl vm.nr_hugepages=11",
        "",
        "Then the mapping succeeds, but touching page 2, counted from 0, raises SIGBUS,",
        "because cgroup /a b may have 2 pages in use, and has 0:",
        "  echo 10485760 > '/sys/fs/cgroup/a b/hugetlb.2MB.max'",
        "",
        "With these 2 changes it fits.",
    ]


def test_pages_that_overcommit_must_find_are_named(fit: Hugeresv, tmp_path: Path) -> None:
    """`Fits.` without a word about memory that may not be there."""
    (tmp_path / "sys/kernel/mm/hugepages/hugepages-2048kB/nr_overcommit_hugepages").write_text("5\n")
    ran = fit("12M")
    assert ran.status == 0
    assert ran.out == (
        "Fits: 6 pages of 2M.\n"
        "2 pages of these (4M) are not in the pool: overcommit must find them in free\n"
        "memory then.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["0"], "0 bytes"),
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
    """A traceback, or an answer to another question."""
    ran = fit(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert told in ran.err
    assert "\x1b" not in ran.err


def test_a_hostile_mount_is_told(fit: Hugeresv) -> None:
    """A path that moves the cursor on standard error."""
    ran = fit("1M", "--mount", HOSTILE)
    assert ran.status == 3
    assert "\x1b" not in ran.err


def test_no_huge_pages(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """`Does not fit` where nothing is known."""
    ran = hugeresv("fit", "1M", "--proc", tmp_path, "--sys", tmp_path)
    assert ran.status == 3
    assert "no huge pages here" in ran.err


def test_json_is_all_that_is_printed(fit: Hugeresv) -> None:
    """A line for people in front of it; another status than without."""
    for size, status in (("8M", 0), ("10M", 1), ("300T", 1)):
        ran = fit(size, "--json")
        assert ran.status == status
        assert json.loads(ran.out)["fits"] == (status == 0)


def test_what_no_address_space_holds(fit: Hugeresv) -> None:
    """A pool of 157286400 pages, proposed for what cannot be mapped anyway."""
    ran = fit("300T")
    assert ran.status == 1
    assert ran.out.endswith("\nNo address space is that large.\n")
