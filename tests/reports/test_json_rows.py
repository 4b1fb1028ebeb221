"""The rows of `run --json`: the keys that were agreed on, and no others."""

import io
import json
from typing import Any

from hugeresv.answer import Answer, CgroupUsage, Counters, Statfs
from hugeresv.outcome import Outcome
from hugeresv.play.play import Ending, StepResult
from hugeresv.reports.json_rows import JsonRows
from hugeresv.scenario.operation import Exit
from hugeresv.scenario.scenario import Pool, Scenario, Step

STEP = Step(Exit("db"))
SCENARIO = Scenario(Pool(2048, 16), (STEP,))


def rows(*answers: Answer, file: str = "f.scn", identifier: str = "f") -> list[dict[str, Any]]:
    stream = io.StringIO()
    report = JsonRows(stream)
    report.scenario(file, identifier, SCENARIO)
    for number, answer in enumerate(answers, 1):
        report.result(StepResult(number, STEP, answer, (), None))
    report.result(Ending(Answer(Outcome.OK, Counters(1, 1, 0, 0)), (), ()))
    report.total()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_row_has_outcome_and_signed_counters() -> None:
    """A step's row has the agreed keys with signed counters, and the end has no row.

    Catches: a key that is missing, misnamed or of another type; a row for the end, which is no step.
    """
    assert rows(Answer(Outcome.SIGBUS, Counters(16, 13, -1, 2))) == [
        {"file": "f.scn", "id": "f", "step": 1, "outcome": "SIGBUS", "total": 16, "free": 13, "rsvd": -1, "surp": 2}
    ]


def test_cgroups_and_mounts_are_there_when_the_answer_has_them() -> None:
    """A row has `cgroups` and `statfs` exactly where the answer has them.

    Catches: a table that is left out, is there though it is not known, or has its counters under other names.
    """
    counters = Counters(16, 13, 6, 0)
    bare, full = rows(
        Answer(Outcome.OK, counters),
        Answer(Outcome.OK, counters, {'a"b': CgroupUsage(1, 2)}, {"m": Statfs(8, 5, 4)}),
    )
    assert bare.keys().isdisjoint({"cgroups", "statfs"})
    assert full["cgroups"] == {'a"b': {"usage": 1, "rsvd": 2}}
    assert full["statfs"] == {"m": {"blocks": 8, "bfree": 5, "bavail": 4}}


def test_a_scenario_whose_cgroups_are_all_gone_still_says_so() -> None:
    """Where all cgroups are gone, `cgroups` is an empty table. Catches: an empty table taken for no table."""
    (row,) = rows(Answer(Outcome.OK, Counters(1, 1, 0, 0), {}))
    assert row["cgroups"] == {}


def test_names_are_escaped() -> None:
    """Names with quotes, line feeds and odd bytes come back from JSON as they were.

    Catches: a quote or a line feed in a file's name that ends the string, or the row.
    """
    (row,) = rows(Answer(Outcome.OK, Counters(1, 1, 0, 0)), file='a"\n.scn', identifier="\udcff")
    assert (row["file"], row["id"]) == ('a"\n.scn', "\udcff")
