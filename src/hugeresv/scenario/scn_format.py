"""Scenarios as `.scn`: a header, then one operation a line. The grammar is told in docs/scn.md.

Every line becomes the JSON that says the same, which is then checked as JSON is: there is one set of rules.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

from hugeresv.errors import InputError
from hugeresv.scenario.decode import SCHEMA, decode_scenario, decode_step
from hugeresv.scenario.encode import encode_scenario
from hugeresv.scenario.format_error import FormatError, did_you_mean
from hugeresv.scenario.scenario import Json, Scenario, Step
from hugeresv.scenario.scn_arguments import add
from hugeresv.scenario.scn_expectation import ARROW, BAR, read_expectations
from hugeresv.scenario.scn_header import HEADERS, read_header, write_headers
from hugeresv.scenario.scn_layout import Row, arrange, as_row, group
from hugeresv.scenario.scn_operation import find_form, read_operation
from hugeresv.scenario.scn_together import BEGIN, END, read_begin, read_end, write_block
from hugeresv.scenario.scn_words import Scanner, as_comment, read_name, split
from hugeresv.scenario.strict_json import dumps

Lines = Sequence[tuple[int, str]]
Given = dict[str, tuple[int, str]]
"""The line and the header that gave a top-level key, or a name within one (`cgroups.web`)."""


def parse_scn(text: str, place: str) -> Scenario:
    """The scenario in `text`. Raises InputError, naming `place` (the file) and line, for the first thing wrong."""
    lines = list(enumerate(text.split("\n"), 1))
    body = _end_of_header(lines)
    raw, given = _read_headers(lines[:body], place)
    if "pool" not in raw:
        raise _pool_is_missing(lines[body:], place)
    try:
        return decode_scenario(raw, _read_steps(lines[body:], place))
    except FormatError as wrong:
        number, header = given.get(".".join(wrong.keys[:2])) or given[wrong.keys[0]]
        wrong.usage = HEADERS[header]
        raise wrong.at(f"{place}:{number}") from None


def format_scn(scenario: Scenario) -> str:
    """A scenario in its one canonical layout, which `parse_scn` reads back as the same scenario."""
    raw = encode_scenario(scenario)
    title = raw.get("title")
    comment = as_comment(title) if isinstance(title, str) else []
    head = [*(comment if comment is not None else [f"title {dumps(title)}"]), *write_headers(raw)]
    rows = list(_rows(cast(list[dict[str, Json]], raw["steps"])))
    return "\n".join([*head, *arrange(rows)]) + "\n"


def _rows(steps: Sequence[dict[str, Json]]) -> Iterator[Row]:
    for shared in group(steps):
        if shared[0]["op"] == BEGIN:
            yield from write_block(shared[0])
        else:
            yield as_row(shared)


def _end_of_header(lines: Lines) -> int:
    """How many lines belong to the header: up to the last header line before the first operation."""
    end = 0
    for at, (_, text) in enumerate(lines, 1):
        first = text.split(maxsplit=1)[:1]
        if first and first[0] in HEADERS:
            end = at
        elif first and not first[0].startswith("#"):
            return end
    return len(lines)


def _pool_is_missing(lines: Lines, place: str) -> InputError:
    beginnings = ((number, text.split(maxsplit=1)[0]) for number, text in lines if text.strip())
    number, first = next(((number, word) for number, word in beginnings if not word.startswith("#")), (None, ""))
    found = f", found {first}{did_you_mean(first, HEADERS)}" if first else ""
    wrong = FormatError(f"expected 'pool' before the first operation{found}", usage=HEADERS["pool"])
    return wrong.at(f"{place}:{number}" if number else place)


def _read_headers(lines: Lines, place: str) -> tuple[dict[str, Json], Given]:
    """The top-level keys, and where each was given. Comments make the title."""
    raw: dict[str, Json] = {"schema": SCHEMA}
    given: Given = {}
    title: list[str] = []
    for number, text in lines:
        line = Scanner(text)
        try:
            if header := line.word():
                new = read_header(header, line)
                if "pool" in raw and "pool" in new:
                    new = {"pools": [new["pool"]]}
                given |= dict.fromkeys(_places(new), (number, header))
                title += [str(new.pop(key)) for key in ("title",) if key in new]
                _add(raw, new)
        except FormatError as wrong:
            raise wrong.at(f"{place}:{number}") from None
        if line.comment is not None:
            title.append(line.comment)
    if title:
        raw["title"] = "\n".join(title)
    return raw, given


def _places(new: dict[str, Json]) -> Iterator[str]:
    """What an error may say is wrong with a header line: its key, or one of the names within."""
    for key, value in new.items():
        yield key
        yield from (f"{key}.{name}" for name in (value if isinstance(value, dict) else ()))


def _add(raw: dict[str, Json], new: dict[str, Json]) -> None:
    """What a header line gives, added; lines for cgroups and for further pools go together."""
    for key, value in new.items():
        known = raw.get(key)
        if key == "cgroups" and isinstance(known, dict) and isinstance(value, dict):
            add(known, value)
        elif key == "pools" and isinstance(known, list) and isinstance(value, list):
            known += value
        else:
            add(raw, {key: value})


def _read_steps(lines: Lines, place: str) -> Iterator[Step]:
    """The steps of all lines. A comment belongs to the line that it is on, or to the next, or to the last there is."""
    comments: list[str] = []
    latest: list[Step] = []
    read: dict[str, list[Step]] = {}
    """The steps of each line that says all about them itself: where it stands again, they are the same values."""
    block: _Block | None = None
    for number, text in lines:
        if block is not None:
            if (whole := block.line(text, f"{place}:{number}")) is not None:
                latest, block = [whole], None
            continue
        if text in read and not comments:
            yield from latest
            latest = read[text]
            continue
        try:
            words, comment = split(text)
            if comment is not None:
                comments.append(comment)
            if words and words[0] == BEGIN:
                yield from latest
                latest, block = [], _Block(words, comments, number)
                comments = []
            elif words:
                yield from latest
                latest = _read_line(words, comments)
                if not comments:
                    read[text] = latest
                comments = []
        except FormatError as wrong:
            raise wrong.at(f"{place}:{number}") from None
    if block is not None:
        raise FormatError(f"'{BEGIN}' has no '{END}'").at(f"{place}:{block.number}")
    if latest and comments:
        *others, last = latest
        note = "\n".join([last.note, *comments] if last.note is not None else comments)
        latest = [*others, replace(last, note=note)]
    yield from latest


class _Block:
    """The lines of concurrent calls, up to the one that ends them."""

    def __init__(self, words: Sequence[str], comments: Sequence[str], number: int) -> None:
        self.number = number
        self._raw = read_begin(words)
        if comments:
            self._raw["note"] = "\n".join([*comments, *([str(self._raw["note"])] if "note" in self._raw else [])])
        self._steps: list[Step] = []
        self._comments: list[str] = []

    def line(self, text: str, place: str) -> Step | None:
        """Take one more line, which is at `place`: the whole block, if it was the last."""
        try:
            return self._line(text)
        except FormatError as wrong:
            raise wrong.at(place) from None

    def _line(self, text: str) -> Step | None:
        words, comment = split(text)
        if comment is not None:
            self._comments.append(comment)
        if not words:
            return None
        if words[0] != END:
            self._steps += _read_line(words, self._comments)
            self._comments = []
            return None
        about = read_end(words)
        step = decode_step({**self._raw, "steps": [], **about}, self._steps)
        if self._comments:
            step = replace(step, note="\n".join([*([step.note] if step.note else []), *self._comments]))
        return step


def _read_line(words: Sequence[str], comments: Sequence[str]) -> list[Step]:
    """The steps of one line: a note is the first one's, whatever else is said about the step is the last one's."""
    if words[0] in HEADERS:
        raise FormatError(f"'{words[0]}' belongs before the first operation")
    end = min((words.index(mark) for mark in (ARROW, BAR) if mark in words), default=len(words))
    form, at = find_form(words[:end], HEADERS)
    about = read_expectations(words[end:])
    try:
        raw, touched = read_operation(form, words[at + 1 : end])
        notes = [*comments, *([str(raw.pop("note"))] if "note" in raw else [])]
        said = {key: raw.pop(key) for key in [key for key in raw if key not in form.known.fields]}
        about = said | about
        if at == 1:
            raw["proc"] = read_name(words[0])
        steps = [{"op": form.op, **raw, **page} for page in touched]
        if notes:
            steps[0]["note"] = "\n".join(notes)
        steps[-1] |= about
        return [decode_step(step) for step in steps]
    except FormatError as wrong:
        if not wrong.keys or wrong.keys[0] not in about:
            wrong.usage = form.usage()
        raise
