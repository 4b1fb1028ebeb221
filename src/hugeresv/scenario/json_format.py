"""Scenarios as JSON, schema `hugeresv-scenario/1`; `.jsonl` holds one a line."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from hugeresv.scenario.decode import decode_scenario, decode_step, shown
from hugeresv.scenario.encode import encode_scenario
from hugeresv.scenario.format_error import FormatError
from hugeresv.scenario.scenario import Json, Scenario, Step
from hugeresv.scenario.strict_json import dumps, line_of, loads

Locate = Callable[[Sequence[str | int]], str]
"""The file and the line of what is at a path of keys and list positions."""


def parse_json(text: str, place: str) -> Scenario:
    """The scenario in `text`. Raises InputError, naming `place` (the file), step and key, for the first thing wrong."""
    return _scenario(loads(text, place), partial(_place_in, text, place))


def parse_jsonl(text: str, place: str) -> list[Scenario]:
    """The scenarios in `text`, one a line; blank lines are skipped."""
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    return [
        _scenario(loads(line, place, number), partial(_place_in_line, f"{place}:{number}")) for number, line in lines
    ]


def format_json(scenario: Scenario) -> str:
    """A scenario as JSON with one line a top-level key and one line a step."""
    lines: list[str] = []
    for key, value in encode_scenario(scenario).items():
        if key == "steps" and isinstance(value, list) and value:
            steps = ",\n".join(f"    {dumps(step)}" for step in value)
            lines.append(f'  "steps": [\n{steps}\n  ]')
        else:
            lines.append(f"  {dumps(key)}: {dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def format_jsonl(scenarios: Iterable[Scenario]) -> str:
    """Scenarios as JSON, one a line."""
    return "".join(f"{dumps(encode_scenario(scenario))}\n" for scenario in scenarios)


def _place_in(text: str, place: str, path: Sequence[str | int]) -> str:
    return f"{place}:{line_of(text, path)}"


def _place_in_line(place: str, _path: Sequence[str | int]) -> str:
    return place


def _scenario(raw: Json, locate: Locate) -> Scenario:
    try:
        if not isinstance(raw, dict):
            raise FormatError(f"expected an object with the keys of a scenario, found {shown(raw)}")
        steps = raw.pop("steps", None)
        if not isinstance(steps, list):
            raise FormatError("expected a list of steps", "steps")
        return decode_scenario(raw, _steps(steps, locate))
    except FormatError as wrong:
        raise wrong.at(locate(wrong.keys)) from None


def _steps(steps: list[Json], locate: Locate) -> Iterator[Step]:
    for number, raw in enumerate(steps, 1):
        try:
            if isinstance(raw, dict):
                _check_number(raw, number)
            yield decode_step(raw)
        except FormatError as wrong:
            raise wrong.at(f"{locate(['steps', number - 1, *wrong.keys])}: step {number}") from None


def _check_number(raw: dict[str, Json], number: int) -> None:
    found = raw.get("step")
    if type(found) is not int or found != number:
        raise FormatError(
            f"expected {number}, found {shown(found)}" if "step" in raw else f"missing; expected {number}", "step"
        )
