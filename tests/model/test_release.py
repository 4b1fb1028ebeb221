"""Which preset has the rules of a release."""

import pytest

from hugeresv.model.presets import PRESETS
from hugeresv.model.release import RUN, Evidence, closest, known_as, parse_release

DEBIAN = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-02)"


@pytest.mark.parametrize(
    ("release", "version", "numbers"),
    [
        ("6.18.44-fc-v669", "", (6, 18, 44)),
        ("6.12.118+deb13-cloud-amd64", "#1 SMP Debian 6.12.118-1 (2026-11-10)", (6, 12, 118)),
        ("6.1.0-56-cloud-amd64", DEBIAN, (6, 1, 192)),
        ("6.1.0-56-cloud-amd64", "#1 SMP @0", (6, 1, None)),
        ("5.14.0-427.el9.x86_64", "", (5, 14, None)),
        ("7.3.0-rc7", "", (7, 3, 0)),
        ("6.12", "", (6, 12, 0)),
    ],
)
def test_a_release_has_three_numbers(release: str, version: str, numbers: tuple[int, int, int | None]) -> None:
    """The third number is the stable release, where uname(2) tells it.

    Catches: the count of a distribution's builds, or its 0, taken for the stable release.
    """
    assert parse_release(release, version) == numbers


@pytest.mark.parametrize(
    ("release", "preset", "evidence"),
    [
        ("5.10.262", "5.10", Evidence.RUN),
        ("5.10.255", "5.10", Evidence.BETWEEN),
        ("6.12.107", "6.12.107", Evidence.RUN),
        ("6.12.110", "6.12.107", Evidence.NEAREST),
        ("6.12.115", "6.12.117", Evidence.BETWEEN),
        ("6.12.118", "6.12", Evidence.RUN),
        ("6.12.200", "6.12", Evidence.NEAREST),
        ("6.12.3", "6.12.107", Evidence.NEAREST),
        ("6.12.0-7-generic", "6.12", Evidence.NEAREST),
        ("6.13.5", "6.12.107", Evidence.NEAREST),
        ("6.17.13", "6.18.15", Evidence.RUN),
        ("6.18.0", "6.18.15", Evidence.BETWEEN),
        ("6.18.30", "6.18.15", Evidence.NEAREST),
        ("6.18.44", "6.18", Evidence.RUN),
        ("10.2", "7.3", Evidence.NEAREST),
        ("4.18.0-553.el8", "5.10", Evidence.NEAREST),
        ("", "7.3", Evidence.NEAREST),
    ],
)
def test_the_closest(release: str, preset: str, evidence: Evidence) -> None:
    """A release has the preset that was run on it or on both sides of it; else the one before it in its series.

    Catches: 6.12.117 answered as 6.12.118; 6.2 taken for later than 6.12; a stable fix in the series that follows.
    """
    assert closest(release) == (PRESETS[preset], evidence)


def test_what_a_kernel_is_known_as() -> None:
    """What is expected of the closest kernel is expected of it, unless something is of its own series or release.

    Catches: a kernel that no scenario says anything about, or whose own values are overridden by those of another.
    """
    assert known_as("6.18.44") == ("6.18",)
    assert known_as("6.12.117") == ("6.12", "6.12.117")
    assert known_as("6.13.5") == ("6.12", "6.12.107", "6.13")
    assert known_as("") == ("7.3",)


def test_what_was_run_is_in_order() -> None:
    """Releases are listed oldest first, each once.

    Catches: a range that overlaps another, in which a release would have the rules of two kernels.
    """
    releases = [release for run in RUN.values() for release in run]
    assert releases == sorted(set(releases))
    assert all(name in PRESETS for name in RUN)
