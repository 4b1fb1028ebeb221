"""The pages of `run --html` and `compare --html` in a browser: steps, numbers, strange names, accessibility."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import hugeresv
from hugeresv.answer import Answer, PoolAnswer
from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.play.film import Film, filmed
from hugeresv.play.play import play
from hugeresv.reports.html.compare import ComparePage
from hugeresv.reports.html.films import described
from hugeresv.reports.html.page import films_page
from hugeresv.scenario.json_format import parse_json
from hugeresv.scenario.scenario import Scenario
from hugeresv.scenario.scn_format import parse_scn
from tests.browser.conftest import Opened, accessibility
from tests.played import SCENARIOS, on, scenario_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

SPLIT = SCENARIOS / "split-middle.scn"
MANY_KINDS = """
pool 2M nr=12 overcommit=4
cgroup g max=6 rsvd_max=8
mount m size=6 min_size=2
p cgroup_move g
p mmap a 3 private
p touch a 0
open_file f mount=m
p mmap s 4 shared file=f
p touch s 1
p fork q
q touch a 0
"""


def written(tmp_path: Path, scenario: Scenario, kernel: str) -> Path:
    """The page of a run."""
    model = ModelKernel(parse_behaviour(kernel))
    page = tmp_path / "page.html"
    run = described("run", scenario, [filmed(scenario, model)], kernel)
    page.write_text(films_page(scenario.title or "run", [run]), encoding="utf-8")
    return page


def counters(page: "Page") -> list[int]:
    """total, free, rsvd, surp as the page has them now."""
    return [int(page.inner_text(f'[data-counter="{name}"]')) for name in ("total", "free", "rsvd", "surp")]


STEPPING = """() => {
  const read = (query) => [...document.querySelectorAll(query)].map((node) => Number(node.textContent));
  const key = (name) => document.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
  const chooser = document.getElementById("chooser");
  return [...chooser.options].map(({ value }) => {
    chooser.value = value;
    chooser.dispatchEvent(new Event("change"));
    const last = Number(document.querySelector("input[type=range]").max);
    key("Home");
    return Array.from({ length: last }, () => {
      key("ArrowRight");
      const counters = ["total", "free", "rsvd", "surp"].map((name) => read(`[data-counter="${name}"]`));
      const rows = [...document.querySelectorAll(".nodes tbody tr")];
      const nodes = rows.map((row) => [...row.cells].slice(2).map((cell) => Number(cell.textContent)));
      return [counters[0].map((_, pool) => counters.map((each) => each[pool])), nodes];
    });
  });
}"""


def shown(answer: Answer) -> list[list[list[int]]]:
    """Every pool's counters as the terminal has them, then those of every node."""
    pools = [PoolAnswer(answer.counters, answer.nodes), *(answer.pools or {}).values()]
    return [[[*pool.counters] for pool in pools], [[*node] for pool in pools for node in pool.nodes or ()]]


def test_every_step_has_the_numbers_of_the_terminal(tmp_path: Path, opened: Opened) -> None:
    """Of every scenario, stepping with a key: every pool and every node, calls at once included.

    Catches: a moment put together wrongly, or a figure under another's name.
    """
    kernel = ModelKernel(parse_behaviour("6.18"))
    scenarios = {str(path): scenario_in(path) for path in sorted(SCENARIOS.rglob("*.scn"))}
    runs = [described(name, each, [filmed(each, kernel)], "6.18") for name, each in scenarios.items()]
    (tmp_path / "page.html").write_text(films_page("all", runs), encoding="utf-8")
    found = opened(tmp_path / "page.html").evaluate(STEPPING)
    for (name, scenario), steps in zip(scenarios.items(), found, strict=True):
        assert steps == [shown(answer) for answer in on(scenario, "6.18").answers], name


def test_keys_go_to_the_ends(tmp_path: Path, opened: Opened) -> None:
    """Home is before the first step, End behind the last. Catches: an end that is one step off."""
    scenario = scenario_in(SPLIT)
    page = opened(written(tmp_path, scenario, "count-in-vma"))
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert counters(page) == [*on(scenario, "count-in-vma").answers[-2].counters]
    page.keyboard.press("Home")
    assert counters(page) == [scenario.pool.pages, scenario.pool.pages, 0, 0]


def test_a_wrapped_counter_is_seen(tmp_path: Path, opened: Opened) -> None:
    """What the patch of 2008 mended, found with `n`. Catches: a page that draws -14 pages as none."""
    page = opened(written(tmp_path, scenario_in(SPLIT), "count-in-vma"))
    for _ in range(3):
        page.keyboard.press("n")
    assert "18446744073709551602" in page.inner_text(".wrapped")
    assert "promises add up to 0" in page.inner_text("section.wrong")
    assert page.get_attribute("input[type=range]", "aria-valuetext") == "Step 7: db munmap a 6+4, ok, wrong"


def test_a_comparison_opens_where_the_kernels_part(tmp_path: Path, opened: Opened) -> None:
    """Both side by side. Catches: a page that begins at the start, or shows one kernel twice."""
    left, right = (ModelKernel(parse_behaviour(name)) for name in ("count-in-vma", "2008"))
    scenario = scenario_in(SPLIT)
    comparison = ComparePage(left, right)
    comparison.add("split", scenario, [filmed(scenario, left), filmed(scenario, right)], 5)
    (tmp_path / "page.html").write_text(comparison.text, encoding="utf-8")
    page = opened(tmp_path / "page.html")
    assert page.inner_text(".now .name") == "Step 5"
    assert page.locator('[data-counter="rsvd"]').all_inner_texts() == ["0", "6"]
    assert page.locator(".is-different dt").all_text_contents() == ["rsvd (differs)", "available (differs)"] * 2


def test_the_address_says_which_step_is_looked_at(tmp_path: Path, opened: Opened) -> None:
    """A link leads to it, and stepping changes the address. Catches: a link in a mail that opens the start."""
    page = opened(written(tmp_path, scenario_in(SPLIT), "2008"), "step=3")
    assert page.inner_text(".now .name") == "Step 3"
    page.click("text=db munmap a 5")
    assert page.url.endswith("#step=5")
    page.locator("input[type=range]").fill("2")
    assert page.inner_text(".now .name") == "Step 2"


def test_of_a_kernel_whose_memory_is_not_read_no_promise_is_missed(tmp_path: Path, opened: Opened) -> None:
    """What it counts it counts, to whomever. Catches: a host on which every promise is called one too many."""
    kernel, scenario = ModelKernel(parse_behaviour("6.18")), scenario_in(SPLIT)
    film = Film(scenario, kernel)
    for result in play(scenario, kernel, attend=lambda session, _: film.attend(session, None)):
        film.take(result)
    (tmp_path / "page.html").write_text(films_page("run", [described("run", scenario, [film], "a host")]))
    page = opened(tmp_path / "page.html", "step=2")
    assert counters(page) == [10, 9, 9, 0]
    assert page.locator(".promises").count() == 0
    assert page.locator(".mapping").count() == 1


EVIL = "</script><img src=x onerror=alert(1)><script>alert(2)</script>'\"{{7*7}}"


def test_names_that_strangers_chose_are_text(tmp_path: Path, opened: Opened) -> None:
    """Title, note, process, mapping, file, mount and cgroup. Catches: markup in one of them that becomes an element."""
    steps: list[dict[str, object]] = [
        {"op": "cgroup_move", "proc": EVIL, "cgroup": EVIL},
        {"op": "mount", "mount": EVIL, "size_pages": 2},
        {"op": "open_file", "file": EVIL, "mount": EVIL},
        {"op": "mmap", "proc": EVIL, "map": EVIL, "pages": 1, "type": "shared", "file": EVIL, "note": EVIL},
    ]
    numbered = [{**step, "step": number} for number, step in enumerate(steps, 1)]
    pool = {"page_size_kB": 2048, "nr_hugepages": 2}
    text = {"schema": "hugeresv-scenario/1", "id": EVIL, "title": EVIL, "pool": pool, "cgroups": {EVIL: {}}}
    scenario = parse_json(json.dumps({**text, "steps": numbered}), "evil.json")
    page = opened(written(tmp_path, scenario, "ideal"), "step=4")
    assert page.inner_text("h1") == EVIL
    assert EVIL in page.inner_text(".process h4")
    assert EVIL in page.inner_text(".note")
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("step", [0, 10])
def test_axe_finds_nothing(step: int, colours: str, tmp_path: Path, opened: Opened) -> None:
    """Contrast, names and roles, with every kind of thing. Catches: grey on grey, a slider without a name."""
    page = opened(written(tmp_path, parse_scn(MANY_KINDS, "many.scn"), "6.18"), f"step={step}", color_scheme=colours)
    assert accessibility(page) == []


def test_axe_finds_nothing_where_something_is_wrong(tmp_path: Path, opened: Opened) -> None:
    """On a small screen, too. Catches: red on pink."""
    page = opened(written(tmp_path, scenario_in(SPLIT), "count-in-vma"), "step=7", width=380)
    assert accessibility(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 380


def test_of_a_long_run_only_what_is_seen_is_there(tmp_path: Path, opened: Opened) -> None:
    """Two thousand steps. Catches: a row for every step, which makes ten thousand slow; and paper that lacks them."""
    touches = " ".join(str(page % 8) for page in range(500))
    text = "pool 2M nr=8\np mmap a 8 private\n" + f"p touch a {touches}\n" * 4
    page = opened(written(tmp_path, parse_scn(text, "long.scn"), "ideal"), "step=1500")
    assert page.inner_text(".rows [aria-current] code") == page.inner_text(".now code")
    assert page.locator(".rows li").count() < 100
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".rows li").count() == 2003


def test_a_run_draws_itself_in_a_notebook(tmp_path: Path, opened: Opened) -> None:
    """What a notebook shows of a run is its page: it can be stepped through, in a frame that reaches nothing else.

    Catches: a page that needs an address of its own, a title that ends the attribute, a script whose text (and so
    its digest) depends on the encoding that the browser takes the notebook to have.
    """
    run = hugeresv.run("count-in-vma", '# A "title" <b>\n' + SPLIT.read_text())
    head = '<!doctype html><html lang="en"><meta charset="windows-1252"><title>n</title>'
    (tmp_path / "notebook.html").write_text(head + run._repr_html_(), encoding="utf-8")
    frame = opened(tmp_path / "notebook.html").frame_locator("iframe")
    frame.locator("[data-step='7']").click()
    assert "18446744073709551602" in frame.locator(".wrapped").inner_text()
    assert 'A "title" <b>' in frame.locator("h1").inner_text()
