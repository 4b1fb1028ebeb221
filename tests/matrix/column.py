"""One kernel in the matrix: what its guest answers and what its memory holds, beside the model of it."""

import re
import statistics
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import filterfalse, zip_longest
from pathlib import Path

from hugeresv.auditing.steps import auditor
from hugeresv.kernels.guest.image_header import read_image_header
from hugeresv.kernels.guest.images import Image, find_image
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.protocol import Kernel
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.release import closest
from hugeresv.play.insight import Seer
from hugeresv.play.play import Ending, Result, play, violations_of
from hugeresv.scenario.load import load
from hugeresv.scenario.scenario import Scenario
from tests.played import SCENARIOS, only_modelled

_HEADER_BYTES = 1 << 16
"""The uncompressed beginning of a bzImage, in which it says what it is."""


@dataclass
class Column:
    """What was found on one kernel. Where the kernel breaks its ledger the model of it has to break it likewise."""

    kernel: str
    release: str
    behaviour: str
    audited: bool
    steps: int = 0
    untrue: int = 0
    """Steps after which an invariant does not hold in the kernel's memory."""
    differences: list[str] = field(default_factory=list)
    """Where the two answered differently, or were found to break different invariants."""
    seconds: list[float] = field(default_factory=list)
    """For each scenario: a fresh guest, every step, every audit; for the first one the boot too."""

    @property
    def median_seconds(self) -> float:
        """Of a scenario."""
        return statistics.median(self.seconds)


def scenario_files(words: Iterable[str] = ()) -> list[Path]:
    """All scenarios of the project whose names have one of the words; all where there is none."""
    wanted = tuple(words) or ("",)
    return [path for path in sorted(SCENARIOS.rglob("*.scn")) if any(word in path.stem for word in wanted)]


def exact_release(image: Path) -> str:
    """The version of Debian's package, which a release such as 6.1.0-56 does not tell; else the release."""
    found = re.search(rb"Debian ([0-9][^ ]*) \(", image.read_bytes()[:_HEADER_BYTES])
    return found[1].decode() if found else read_image_header(image).release


def run(name: str, files: Iterable[Path], *, audited: bool) -> Iterator[Column]:
    """The column of a kernel, as it is after each file. Raises UnavailableError where the guest cannot be had."""
    with closing(GuestKernel(name)) as guest:
        yield from compared(guest, find_image(name), files, audited=audited)


def compared(guest: GuestKernel, image: Image, files: Iterable[Path], *, audited: bool) -> Iterator[Column]:
    """Scenarios on a guest and on the behaviour closest to its release: the column as it is after each file."""
    behaviour = closest(image.release, image.version).behaviour
    column = Column(guest.name, exact_release(image.path), behaviour.name, audited)
    see = auditor(guest) if audited else None
    for path in files:
        for scenario in filterfalse(only_modelled, load(path)):
            began = time.monotonic()
            found = list(played(scenario, guest, see))
            column.seconds.append(time.monotonic() - began)
            _add(column, path.stem, found, _modelled(scenario, behaviour, audited=audited))
        yield column


def played(scenario: Scenario, kernel: Kernel, see: Seer | None) -> Iterator[Result]:
    """Every step and the end, audited where that can be."""
    return play(scenario, kernel, audit=see)


def _modelled(scenario: Scenario, behaviour: Behaviour, *, audited: bool) -> list[Result]:
    model = ModelKernel(behaviour)
    return list(played(scenario, model, auditor(model) if audited else None))


def _add(column: Column, scenario: str, found: list[Result], wanted: list[Result]) -> None:
    column.steps += len(found)
    for number, (real, model) in enumerate(zip_longest(found, wanted), 1):
        if real is None or model is None:
            column.differences.append(f"{scenario}: one of them ended before step {number}")
            return
        column.untrue += bool(_broken(real))
        if _answer(real) != _answer(model):
            column.differences.append(f"{scenario}, step {number}: {_answer(real)}, on the model {_answer(model)}")
            return
        if _broken(real) != _broken(model):
            column.differences.append(f"{scenario}, step {number}: {_broken(real)}, on the model {_broken(model)}")


def _answer(result: Result) -> object:
    return result.answer.counters if isinstance(result, Ending) else result.answer


def _broken(result: Result) -> list[str]:
    """What was found to be wrong, as people are told it; the kernel does not know what a scenario calls a file."""
    return sorted(": ".join(violation.key) for violation in violations_of(result))
