"""Concurrent calls in `.scn`: the lines between `together` and `apart`, behind which stands what is expected.

together switch=b@resv_map->lock#2
a   touch x 0
b   mmap y 1 shared file=f
apart                               -> rsvd=0
"""

import re
from collections.abc import Iterator, Sequence
from typing import cast

from hugeresv.scenario.format_error import FormatError
from hugeresv.scenario.scenario import Json, Together
from hugeresv.scenario.scn_arguments import add
from hugeresv.scenario.scn_expectation import ARROW, BAR, read_expectations, write_expectations
from hugeresv.scenario.scn_layout import Row, as_row
from hugeresv.scenario.scn_operation import read_step_option, write_step_options
from hugeresv.scenario.scn_words import as_comment, read_name, split_option
from hugeresv.scenario.strict_json import dumps

BEGIN, END = Together.op, "apart"
_SWITCH = "switch"
_SWITCHES = re.compile(r'"(?:[^"\\]|\\.)*"|[^,]+')
_PLAIN = re.compile(r"[\w.>#@?-]+")
"""A switch that needs no quotes."""


def read_begin(words: Sequence[str]) -> dict[str, Json]:
    """The keys that a line `together …` gives. Several switches are separated by commas."""
    raw: dict[str, Json] = {"op": Together.op}
    for word in words[1:]:
        key, text = split_option(word)
        if key == _SWITCH:
            add(raw, {_SWITCH: [_read_switch(each) for each in _SWITCHES.findall(text)]})
        else:
            add(raw, read_step_option(key or "", text))
    return raw


def _read_switch(text: str) -> str:
    return read_name(text) if text.startswith('"') else text


def read_end(words: Sequence[str]) -> dict[str, Json]:
    """The keys that a line `apart …` gives: what is expected."""
    if len(words) > 1 and words[1] not in (ARROW, BAR):
        raise FormatError(f"expected what the block must answer, found {words[1]}")
    return read_expectations(words[1:])


def write_block(raw: dict[str, Json]) -> Iterator[Row]:
    """The lines of a block."""
    note = raw.get("note")
    comment = as_comment(note) if isinstance(note, str) else []
    said = {key: value for key, value in raw.items() if key != "note" or comment is None}
    words = [BEGIN]
    if "switch" in raw:
        switches = [str(each) for each in cast(list[Json], raw["switch"])]
        words.append(f"{_SWITCH}={','.join(each if _PLAIN.fullmatch(each) else dumps(each) for each in switches)}")
    yield Row(comment or [], "", " ".join([*words, *write_step_options(said)]), "")
    for step in cast(list[dict[str, Json]], raw["steps"]):
        yield as_row([step])
    yield Row([], "", END, write_expectations(raw))
