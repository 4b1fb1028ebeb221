"""Which preset has the rules of a release. Stable releases of one series differ, so all three numbers count."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from hugeresv.model.behaviour import Behaviour
from hugeresv.model.presets import PRESETS

_NUMBERS = re.compile(r"([0-9]{1,5})\.([0-9]{1,5})(?:\.([0-9]{1,5}))?")
_BUILD_OF_A_DISTRIBUTION = re.compile(r"[0-9]{1,5}\.[0-9]{1,5}\.0-[0-9]")
_DEBIAN = re.compile(r"Debian ([0-9]{1,5}\.[0-9]{1,5}\.[0-9]{1,5})")


class Release(NamedTuple):
    """Such as 6.12.118. `patch` None: a distribution does not tell which stable release it took."""

    major: int
    minor: int
    patch: int | None

    @property
    def series(self) -> tuple[int, int]:
        """The first two numbers: the mainline release that its stable releases come from."""
        return self.major, self.minor


RUN: Mapping[str, tuple[Release, ...]] = {
    "5.10": (Release(5, 10, 251), Release(5, 10, 262)),
    "6.1.187": (Release(6, 1, 170), Release(6, 1, 187)),
    "6.1": (Release(6, 1, 192),),
    "6.12.107": (Release(6, 12, 43), Release(6, 12, 107)),
    "6.12.117": (Release(6, 12, 111), Release(6, 12, 117)),
    "6.12": (Release(6, 12, 118),),
    "6.18.15": (Release(6, 17, 13), Release(6, 18, 5), Release(6, 18, 15)),
    "6.18": (Release(6, 18, 44),),
    "7.3": (Release(7, 3, 4),),
}
"""The releases on which every scenario of the project was answered as the preset answers it, oldest first."""


class Evidence(StrEnum):
    """Why a release is taken to have the rules of a preset."""

    RUN = "run"
    """That release was run."""
    BETWEEN = "between"
    """Releases before and after it were, and have the same rules."""
    NEAREST = "nearest"
    """Neither: no preset is nearer."""


class Closest(NamedTuple):
    """The preset whose rules a release is taken to have, and why."""

    behaviour: Behaviour
    evidence: Evidence


def parse_release(text: str, version: str = "") -> Release | None:
    """What uname(2) says as `release` and `version`; None where it does not begin with two numbers.

    In `6.1.0-56-amd64` (Debian, Ubuntu, RHEL) the last number counts that distribution's builds. Debian's `version` has
    the stable release: `#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-02)`.
    """
    found = _NUMBERS.match(text)
    if found is None:
        return None
    major, minor, patch = int(found[1]), int(found[2]), int(found[3] or 0)
    if not _BUILD_OF_A_DISTRIBUTION.match(text):
        return Release(major, minor, patch)
    debian = _DEBIAN.search(version)
    return parse_release(debian[1]) if debian else Release(major, minor, None)


def closest(release: str, version: str = "") -> Closest:
    """The preset for what uname(2) says as `release` and `version`.

    Where neither that release nor others on both sides of it were run, it is that of the last one before it in its
    series, else of the first one after it. A series of which none was run has that of the first one of the series
    before it: what stable releases mended later is not in the series that follows.
    """
    found = parse_release(release, version)
    if found is None:
        return Closest(_preset(_POINTS[-1]), Evidence.NEAREST)
    if found in _POINTS:
        return Closest(_preset(found), Evidence.RUN)
    series = [point for point in _POINTS if point.series == found.series]
    if found.patch is None and series:
        return Closest(_preset(series[-1]), Evidence.NEAREST)
    before = [point for point in _POINTS if point[:2] < found[:2] or (point in series and point < found)]
    after = _POINTS[len(before) :]
    if before and after and _preset(before[-1]) is _preset(after[0]):
        return Closest(_preset(after[0]), Evidence.BETWEEN)
    if series:
        return Closest(_preset(before[-1] if before and before[-1] in series else series[0]), Evidence.NEAREST)
    nearest = before[-1].series if before else _POINTS[0].series
    return Closest(_preset(next(point for point in _POINTS if point.series == nearest)), Evidence.NEAREST)


def known_as(release: str, version: str = "") -> tuple[str, ...]:
    """The names under which `expect_on` says what a real kernel answers, the most specific one last.

    These are the closest preset's, and the release's own series where no preset is of it.
    """
    found = parse_release(release, version)
    series = () if found is None else ("{}.{}".format(*found.series),)
    return tuple(dict.fromkeys((*preset_names(closest(release, version).behaviour.name), *series)))


def preset_names(name: str) -> tuple[str, ...]:
    """The names under which `expect_on` says what a preset answers: `6.12.117` is known as 6.12, too."""
    return (name,) if name not in RUN else tuple(dict.fromkeys(("{}.{}".format(*RUN[name][-1].series), name)))


_POINTS = sorted(release for run in RUN.values() for release in run)


def _preset(release: Release) -> Behaviour:
    """That of a release that was run."""
    return next(PRESETS[name] for name, run in RUN.items() if release in run)
