"""The FILE arguments of verbs: paths, and names of packaged scenarios."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from hugeresv.cli.exit_status import ExitStatus
from hugeresv.errors import InputError
from hugeresv.scenario.format_error import did_you_mean
from hugeresv.scenario.load import load, scenario_id
from hugeresv.scenario.packaged import SUFFIXES, located, packaged
from hugeresv.scenario.scenario import Scenario


class ScenarioFile(NamedTuple):
    """What one file holds: a scenario, or several in a `.jsonl`. `name` is how it is asked for again."""

    name: str
    path: Path
    scenarios: list[Scenario]

    @property
    def is_packaged(self) -> bool:
        """Whether it was asked for by its name, not by a path."""
        return self.name != str(self.path)

    def entries(self) -> list[tuple[str, Scenario]]:
        """The scenarios, each with its `id`."""
        return [(scenario_id(scenario, self.path), scenario) for scenario in self.scenarios]


def read_file(argument: Path) -> ScenarioFile:
    """One file. Raises InputError where it cannot be read, is wrong, or is a folder."""
    path = _place(argument)
    return ScenarioFile(str(argument), path, load(path))


def read_files(arguments: Sequence[Path], status: ExitStatus) -> Iterator[ScenarioFile]:
    """Every file, read as late as possible; a folder stands for all scenario files below it. Errors are reported."""
    for argument in arguments:
        with status.going_on():
            for name, path in _files_of(argument):
                with status.going_on():
                    yield ScenarioFile(name, path, load(path))


def check_files(arguments: Sequence[Path], status: ExitStatus) -> None:
    """Report what is wrong with files that cannot be run for another reason."""
    for _ in read_files(arguments, status):
        pass


def _place(argument: Path) -> Path:
    """The path that an argument stands for: itself where that exists, else a packaged scenario. Raises InputError."""
    path = located(argument)
    if path.exists() or path.is_symlink():
        return path
    name = str(argument.with_suffix("") if argument.suffix in SUFFIXES else argument)
    near = did_you_mean(name.removeprefix("scenarios/"), packaged())
    raise InputError(f"{argument}: there is no such file, and hugeresv comes with no scenario of this name{near}")


def _files_of(argument: Path) -> list[tuple[str, Path]]:
    """The files that an argument stands for, each with its name."""
    path = _place(argument)
    if not path.is_dir():
        return [(str(argument), path)]
    found = sorted(each for each in path.rglob("*") if each.suffix in SUFFIXES and each.is_file())
    if not found:
        raise InputError(f"{argument}: no file in this folder ends in {', '.join(SUFFIXES)}")
    if path == argument:
        return [(str(each), each) for each in found]
    return [(str(argument / each.relative_to(path).with_suffix("")), each) for each in found]
