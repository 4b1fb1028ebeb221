"""From scenarios to JSON values: what is None was not given, and is left out."""

from collections.abc import Mapping
from typing import Any

from hugeresv.scenario.decode import SCHEMA
from hugeresv.scenario.fields import Sort, shape
from hugeresv.scenario.scenario import Json, Scenario, Step


def encode_scenario(scenario: Scenario) -> dict[str, Json]:
    """The top-level keys of a scenario, `steps` last."""
    raw: dict[str, Json] = {"schema": SCHEMA}
    raw.update(encode_record(scenario))
    if scenario.source is not None:
        raw["source"] = scenario.source
    raw.update(scenario.extra)
    raw["steps"] = [encode_step(step, number) for number, step in enumerate(scenario.steps, 1)]
    return raw


def encode_step(step: Step, number: int) -> dict[str, Json]:
    """One step, with the number it has in its scenario."""
    raw: dict[str, Json] = {"step": number, "op": step.operation.op}
    raw.update(encode_record(step.operation))
    raw.update(encode_record(step))
    raw.update(step.extra)
    return raw


def _without_number(step: Step) -> dict[str, Json]:
    raw = encode_step(step, 0)
    del raw["step"]
    return raw


def encode_record(record: object) -> dict[str, Json]:
    """The keys of one of our dataclasses that were given."""
    raw: dict[str, Json] = {}
    for key, field in shape(type(record)).fields.items():
        value: Any = getattr(record, field.attribute)
        if value is None:
            continue
        match field.kind:
            case Sort.RECORD:
                raw[key] = encode_record(value)
            case Sort.TABLE:
                raw[key] = {name: encode_record(each) for name, each in value.items()}
            case Sort.COUNTS | Sort.SIGNED_LIST | Sort.NAMES:
                raw[key] = list(value)
            case Sort.STEPS:
                raw[key] = [_without_number(step) for step in value]
            case Sort.RECORDS:
                raw[key] = [encode_record(each) for each in value]
            case Sort.ROWS:
                raw[key] = [list(row) for row in value]
            case Sort.BY_KERNEL:
                raw[key] = dict(value) if isinstance(value, Mapping) else value
            case Sort.WORD:
                raw[key] = str(value)
            case _:
                raw[key] = value
    return raw
