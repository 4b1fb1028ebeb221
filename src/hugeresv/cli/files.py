"""The FILE arguments of verbs."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from hugeresv.cli.exit_status import ExitStatus
from hugeresv.errors import InputError
from hugeresv.scenario.load import SUFFIXES, load, scenario_id
from hugeresv.scenario.scenario import Scenario


class ScenarioFile(NamedTuple):
    """What one file holds: a scenario, or several in a `.jsonl`."""

    path: Path
    scenarios: list[Scenario]

    def entries(self) -> list[tuple[str, Scenario]]:
        """The scenarios, each with its `id`."""
        return [(scenario_id(scenario, self.path), scenario) for scenario in self.scenarios]


def read_files(arguments: Sequence[Path], status: ExitStatus) -> Iterator[ScenarioFile]:
    """Every file, read as late as possible; a folder stands for all scenario files below it. Errors are reported."""
    for argument in arguments:
        with status.going_on():
            for path in _files_of(argument):
                with status.going_on():
                    yield ScenarioFile(path, load(path))


def check_files(arguments: Sequence[Path], status: ExitStatus) -> None:
    """Report what is wrong with files that cannot be run for another reason."""
    for _ in read_files(arguments, status):
        pass


def _files_of(argument: Path) -> list[Path]:
    if not argument.is_dir():
        return [argument]
    paths = sorted(path for path in argument.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    if not paths:
        raise InputError(f"{argument}: no file in this folder ends in {', '.join(SUFFIXES)}")
    return paths
