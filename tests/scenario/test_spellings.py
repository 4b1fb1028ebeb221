"""The same scenarios written by hand in both spellings, in data/."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hugeresv.scenario.format_error import FormatError
from hugeresv.scenario.json_format import parse_json
from hugeresv.scenario.load import load
from hugeresv.scenario.operation import OPERATIONS, Exit, Touch
from hugeresv.scenario.scenario import Pool, Scenario, Step
from hugeresv.scenario.scn_form import WITHOUT_PROC
from hugeresv.scenario.scn_format import format_scn, parse_scn
from hugeresv.scenario.scn_header import HEADERS
from hugeresv.scenario.scn_words import Scanner, split

DATA = Path(__file__).parent / "data"
NAMES = ["split", "operations", "nodes", "comments"]


@pytest.mark.parametrize("name", NAMES)
def test_both_spellings_mean_the_same(name: str) -> None:
    """The .scn and JSON files of one name, written by hand, are equal scenarios.

    Catches: a word that reader and writer of `.scn` agree on, and that yet means another key of JSON.
    """
    assert load(DATA / f"{name}.scn") == load(DATA / f"{name}.json")


@pytest.mark.parametrize("name", NAMES)
def test_the_canonical_layout(name: str) -> None:
    """The layout that is written is the one kept in data/.

    Catches: Columns, order or quotes that change, and with them every file that is recorded again.
    """
    kept = DATA / f"{name}.canonical.scn"
    text = (kept if kept.exists() else DATA / f"{name}.scn").read_text()
    assert format_scn(load(DATA / f"{name}.json")[0]) == text


def test_every_operation_is_among_them() -> None:
    """The files in data/ use every operation.

    Catches: an operation that was added, and that these files do not show.
    """
    scenarios = load(DATA / "operations.scn") + load(DATA / "nodes.scn")
    assert {step.operation.op for scenario in scenarios for step in scenario.steps} == set(OPERATIONS)


@pytest.mark.parametrize(
    ("line", "argument"),
    [
        ("p munmap a 5", {"page": 5, "pages": 1}),
        ("p munmap a 5+1", {"page": 5, "pages": 1}),
        ("p munmap a +1", {"pages": 1}),
        ("p munmap a 0+0", {"page": 0, "pages": 0}),
        ("p munmap a 2+4K", {"page": 2, "length_bytes": 4096}),
        ("p munmap a 0B+1", {"offset_bytes": 0, "pages": 1}),
        ("p munmap a +2MiB", {"length_bytes": 2097152}),
    ],
)
def test_ranges(line: str, argument: dict[str, int]) -> None:
    """Each spelling of a range in .scn is the range that JSON spells out.

    Catches: a start that is 0 taken for one that was not given; pages taken for bytes.
    """
    (step,) = parse_scn(f"pool 2M nr=1\n{line}", "f.scn").steps
    expected = {"step": 1, "op": "munmap", "proc": "p", "map": "a", **argument}
    head = {"schema": "hugeresv-scenario/1", "pool": {"page_size_kB": 2048, "nr_hugepages": 1}}
    scenario = json.dumps({**head, "steps": [expected]})
    assert step == parse_json(scenario, "f.json").steps[0]


@pytest.mark.parametrize("name", [*HEADERS, *WITHOUT_PROC, "->", "|", "# a"])
def test_a_process_may_have_any_name(name: str) -> None:
    """A process may be called like any word of the language.

    Catches: a process called like the beginning of another kind of line, whose operations then vanish into that.
    """
    steps = (Step(Exit(name)), Step(Exit(name)))
    assert parse_scn(format_scn(Scenario(Pool(2048, 1), steps)), "f.scn").steps == steps


def test_long_touches_are_written_on_lines_of_bounded_length() -> None:
    """Many touches in a row are written as ranges, on lines of fewer than 100 characters.

    Catches: a thousand scattered pages on one line, or a run of pages spelled one by one.
    """
    pages = [*range(0, 3000, 3), *range(5000, 15000)]
    touches = tuple(Step(Touch("p", "a", "write", page)) for page in pages)
    text = format_scn(Scenario(Pool(2048, 1), touches))
    assert max(map(len, text.splitlines())) < 100
    assert len(text.splitlines()) < 80
    assert parse_scn(text, "f.scn").steps == touches


def test_a_line_that_stands_again_has_its_own_comments() -> None:
    """A comment is its line's, or the next one's, or at the end the last one's. Catches: the comment of equal text."""
    lines = ["pool 2M nr=1", "p touch a 0", "p touch a 0", "# next", "p touch a 0", "p touch a 0 # own", "p touch a 0"]
    steps = parse_scn("\n".join([*lines, "# last"]), "f.scn").steps
    assert [step.note for step in steps] == [None, None, "next", "own", "last"]
    assert {step.operation for step in steps} == {Touch("p", "a", "write", 0)}


@given(st.text(st.sampled_from(' \t\r\x0b\x0c\x1c\x85\xa0\u2028ab=:@-+.{[]}|#"\\')))
def test_words_are_the_same_however_they_are_found(text: str) -> None:
    """The quick reader of plain lines finds the words of the careful one.

    Catches: a quick way to read plain lines that takes a quote, a bar or a blank for something else.
    """

    def scanned() -> tuple[list[str], str | None]:
        line = Scanner(text)
        return list(line), line.comment

    try:
        expected = scanned()
    except FormatError:
        with pytest.raises(FormatError):
            split(text)
    else:
        assert split(text) == expected
