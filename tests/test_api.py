"""The front door: docs/api.md and the notebook are executed, and nothing is loaded before it is used."""

import doctest
import io
import json
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

import hugeresv
from hugeresv import api, lab
from hugeresv.model.presets import PRESETS

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", (ROOT / "docs" / "api.md").read_text(), re.DOTALL)
NOTEBOOK = json.loads((ROOT / "docs" / "tour.ipynb").read_text())


def test_what_the_page_shows_is_what_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every block of docs/api.md, one after the other, prints what stands below it.

    Catches: an example that was true of an earlier release.
    """
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    for code, shown in BLOCKS:
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(code, names)  # noqa: S102  our own page
        assert printed.getvalue() == shown
    assert len(BLOCKS) >= 4


def test_the_page_tells_of_every_name() -> None:
    """docs/api.md names everything in `hugeresv.__all__`.

    Catches: a function that is public and that nobody hears of.
    """
    page = (ROOT / "docs" / "api.md").read_text()
    assert [name for name in hugeresv.__all__ if not re.search(rf"`{name}\b", page)] == []


def test_docstrings_show_what_happens() -> None:
    """The examples in the docstrings of the functions are true. Catches: an example that nobody runs."""
    results = doctest.testmod(api)
    assert results.attempted >= 5
    assert results.failed == 0


def test_the_notebook_runs_and_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell of docs/tour.ipynb runs, and a run in it shows itself as HTML.

    Catches: a cell that was true of an earlier release.
    """
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    shown = []
    for cell in NOTEBOOK["cells"]:
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            *statements, last = _statements(source)
            exec("\n".join(statements), names)  # noqa: S102  our own notebook
            shown.append(eval(last, names))  # noqa: S307
    first, before_2008, wraps, counters, number = shown
    assert first.ok
    assert "<iframe" in before_2008._repr_html_()
    assert min(step.rsvd for step in before_2008) == -14
    assert "-1" in wraps._repr_html_()
    assert counters[-1] == ("p exit", -1)
    assert number == 4


def _statements(source: str) -> list[str]:
    import ast

    return [ast.unparse(node) for node in ast.parse(source).body]


def test_nothing_is_loaded_before_it_is_used() -> None:
    """`import hugeresv` loads nothing else of the package, and not click.

    Catches: an import at the top for which every script pays.
    """
    code = "import sys, hugeresv; print(sorted(m for m in sys.modules if m.startswith(('hugeresv.', 'click'))))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_every_public_name_is_there() -> None:
    """Every name in `__all__` leads to something of the package, and no other name does.

    Catches: a name in `__all__` that leads nowhere, and one that is a module, not what it says.
    """
    for name in hugeresv.__all__:
        assert getattr(hugeresv, name).__module__.startswith("hugeresv.")
    assert set(hugeresv.__all__) <= set(dir(hugeresv))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = hugeresv.nothing


def test_a_scenario_is_text_path_name_or_value(tmp_path: Path) -> None:
    """All of them give the same run; a file that holds two scenarios is refused. Catches: a name read as a path."""
    path = ROOT / "scenarios" / "fork.scn"
    text = path.read_text()
    runs = [hugeresv.run("6.18", source) for source in (path, str(path), "fork", text, hugeresv.parse(text))]
    assert len({tuple(step.answer for step in run) for run in runs}) == 1
    corpus = tmp_path / "two.jsonl"
    line = '{"schema": "hugeresv-scenario/1", "pool": {"page_size_kB": 2048, "nr_hugepages": 1}, "steps": []}'
    corpus.write_text(f"{line}\n{line}\n")
    assert hugeresv.parse(line).pool.nr_hugepages == 1
    with pytest.raises(hugeresv.InputError, match="holds 2 scenarios"):
        hugeresv.run("6.18", corpus)


def test_a_run_tells_what_leaked_and_where_it_hung() -> None:
    """`leaked` is None where the scenario never ended; a kernel by value stays open.

    Catches: a leak of 0 told of a scenario that never ended; a kernel that is closed under its owner.
    """
    leaks = "pool 2M nr=4\np mmap a 4 private\np mremap a 1 new=1 move_to=b"
    run = hugeresv.run("6.18", leaks)
    assert (run.leaked, run.ok, len(run), [step.number for step in run[0:2]]) == (3, False, 2, [1, 2])
    assert hugeresv.run("ideal", leaks).ok
    hung = hugeresv.run("6.18,steal-at-owner-address=on", ROOT / "scenarios/behaviours/steal-at-owner-address.scn")
    assert hung.leaked is None
    assert hung[-1].outcome == "HANG"


def test_the_lab_says_what_came_instead() -> None:
    """A wrong expectation shows the steps so far and draws the mappings. Catches: a table that compares nothing."""
    p = lab.Actor("p")
    with pytest.raises(AssertionError, match=r"8/7/3\ninstead of 8/7/4\np\.a: private \|#===\|"):
        lab.play(PRESETS["6.18"], 8, (p.mmap("a", 4), "8/8/4"), (p.write("a", 0), "8/7/4"))
    with pytest.raises(AssertionError, match=r"^3 reservations are counted when everything is gone, instead of 0"):
        lab.play("6.18", 4, (p.mmap("a", 4), "4/4/4"), (p.move("a", 1, 1, "b"), "4/4/4"))
