"""Each spelling says everything: what is read is written back, whatever was given and whatever was left out."""

import json
from typing import Any

from hypothesis import given

from hugeresv.scenario.json_format import format_json, format_jsonl, parse_json, parse_jsonl
from hugeresv.scenario.scn_format import format_scn, parse_scn
from tests.strategies import raw_scenarios


def canonical(raw: object) -> str:
    return json.dumps(raw, sort_keys=True)


@given(raw_scenarios())
def test_json_keeps_every_key_and_value(raw: dict[str, Any]) -> None:
    """A JSON scenario that is read and written has every key and value that it had.

    Catches: a key that is dropped, defaulted or renamed, for any operation and any combination of its arguments.
    """
    scenario = parse_json(json.dumps(raw), "f.json")
    text = format_json(scenario)
    assert text.encode()
    assert canonical(json.loads(text)) == canonical(raw)
    assert parse_jsonl(format_jsonl([scenario, scenario]), "f.jsonl") == [scenario, scenario]


@given(raw_scenarios())
def test_scn_keeps_every_key_and_value(raw: dict[str, Any]) -> None:
    """A scenario written as .scn and read again is equal.

    Catches: a word that is read back as something else: a name taken for a keyword, a 0 for nothing, a page for a byte.
    """
    scenario = parse_json(json.dumps(raw), "f.json")
    text = format_scn(scenario)
    assert text.encode()
    assert all(line.isprintable() for line in text.split("\n"))
    again = parse_scn(text, "f.scn")
    assert canonical(json.loads(format_json(again))) == canonical(raw), text
    assert format_scn(again) == text
