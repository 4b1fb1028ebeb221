"""docs/kernel: every experiment is run on the model of the kernels it was measured on; every citation resolves."""

import ast
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from hugeresv.invariants.check import INVARIANTS
from hugeresv.model.presets import PRESETS
from hugeresv.scenario.scn_format import parse_scn
from tests.played import kernels_named, on

ROOT = Path(__file__).parents[1]
PAGES = {path.name: path.read_text() for path in sorted((ROOT / "docs" / "kernel").iterdir())}
LAST_LINE = re.compile(r"^(Measured on|Derived from source for|Not in the model:|Its program:) (.*)\.$", re.MULTILINE)
EXPERIMENT = r"[cefgnuw]\d\d[a-z]?"
"""How experiments are called that were run on a kernel by a script."""

CITATION = re.compile(r"\bdocs/((?:[a-z0-9-]+/)*(?:README|[a-z0-9-]+)\.md)(?:#([\w-]+))?")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([\w-]+))?\)")


class Experiment(NamedTuple):
    """A section `### NAME`, with its program, if it has one, and the kernels that its last line names."""

    page: str
    name: str
    program: str
    kernels: list[str]
    ends_as_it_should: bool


def experiments() -> list[Experiment]:
    """Every experiment of every page, in order."""
    found = []
    for page, text in PAGES.items():
        for name, body in re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", text, re.DOTALL | re.MULTILINE):
            program = "".join(re.findall(r"^```scn\n(.*?)^```$", body, re.DOTALL | re.MULTILINE))
            last = LAST_LINE.findall(body)
            right = len(last) == 1 and last[0][0].endswith(":") != bool(program)
            found.append(Experiment(page, name, program, last[0][1].split(", ") if program and last else [], right))
    return found


EXPERIMENTS = experiments()
RUN = [(each, kernel) for each in EXPERIMENTS for kernel in each.kernels]


def anchors(path: Path) -> set[str]:
    """What can stand behind # in a link to a page: its headings as GitHub spells them, and names of its own."""
    text = path.read_text()
    headings = re.findall(r"^#+ (.*)", text, re.MULTILINE)
    spelled = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return spelled | set(re.findall(r'<a id="([\w-]+)">', text))


def tracked() -> list[Path]:
    """Every file of the repository that a citation may be in: code, scenarios, tests and docs."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    kinds = {".py", ".scn", ".md", ".toml", ".c", ".h"}
    return [path for line in listed.splitlines() if (path := ROOT / line).suffix in kinds and path.is_file()]


@pytest.mark.parametrize(("experiment", "kernel"), RUN, ids=[f"{each.name}-{kernel}" for each, kernel in RUN])
def test_the_model_answers_as_the_kernel_did(experiment: Experiment, kernel: str) -> None:
    """What was measured on a kernel is what its model answers. Catches: a rule that changed, or was never right."""
    scenario = parse_scn(experiment.program, experiment.name)
    assert on(scenario, kernel).contradictions == []


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=[each.name for each in EXPERIMENTS])
def test_an_experiment_says_where_it_was_measured(experiment: Experiment) -> None:
    """An experiment ends by naming its kernels, or why it has no program. Catches: a program that is run nowhere."""
    assert experiment.ends_as_it_should
    if experiment.program:
        scenario = parse_scn(experiment.program, experiment.name)
        assert any(step.expect for step in scenario.steps)
        assert set(kernels_named(scenario)) <= set(experiment.kernels) <= set(PRESETS)
        assert experiment.kernels


def test_names_of_experiments_are_unique() -> None:
    """A name is one experiment in all pages. Catches: a citation that could mean two."""
    names = [each.name for each in EXPERIMENTS]
    assert sorted(set(names)) == sorted(names)
    assert len(names) > 50


def test_every_citation_resolves() -> None:
    """A path below docs, wherever it stands, is a page, with the anchor behind `#`. Catches: a heading renamed."""
    made = ROOT / "website"  # names pages of the site, which are made
    files = [path for path in tracked() if not path.is_relative_to(made)]
    cited = [(path, *found) for path in files for found in CITATION.findall(path.read_text())]
    assert len(cited) > 30
    assert [each for each in cited if not resolves(ROOT / "docs" / each[1], each[2])] == []


def test_every_link_of_the_docs_resolves() -> None:
    """A link of a page leads to a file, and to a heading of it. Catches: a page or a heading renamed."""
    pages = [path for path in tracked() if path.suffix == ".md" and path.is_relative_to(ROOT / "docs")]
    links = [(page, *found) for page in pages for found in LINK.findall(without_programs(page.read_text()))]
    assert len(links) > 100
    broken = [each for each in links if not resolves(each[0].parent / each[1] if each[1] else each[0], each[2])]
    assert broken == []


def resolves(path: Path, anchor: str) -> bool:
    """Whether there is such a file, with such an anchor if one is asked for."""
    return path.exists() and (not anchor or anchor in anchors(path))


def without_programs(text: str) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def test_tests_are_named_for_experiments_that_there_are() -> None:
    """`test_e12b_…` is about experiment e12b. Catches: a name that no page explains."""
    names = {each.name for each in EXPERIMENTS}
    trees = [ast.parse(path.read_text()) for path in sorted((ROOT / "tests" / "model").glob("test_*.py"))]
    functions = [node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    meant = {found[1] for name in functions if (found := re.match(rf"test_({EXPERIMENT})_", name))}
    assert len(meant) > 30
    assert meant <= names


def test_every_page_is_in_the_index() -> None:
    """The index leads to every page. Catches: a page that only a search finds."""
    assert set(re.findall(r"^\| \[.*?\]\((.*?)\)", PAGES["README.md"], re.MULTILINE)) == set(PAGES) - {"README.md"}


def test_invariants_are_those_that_are_checked() -> None:
    """The page has every invariant of the code, in order. Catches: one that `run` names and no page explains."""
    told = re.findall(r"^\| (I\d+) \|", PAGES["invariants.md"], re.MULTILINE)
    assert told == [f"I{number}" for number in (*range(1, 15), *range(19, 22))]
    assert {invariant.name for invariant in INVARIANTS} <= set(told)


def test_documents_that_are_named_are_there() -> None:
    """A document named in capitals, as README, is in the repository. Catches: evidence that no reader can see."""
    named = {(path, name) for path in tracked() for name in re.findall(r"\b[A-Z][A-Z0-9]+\.md\b", path.read_text())}
    assert len(named) > 5
    assert [each for each in named if not (ROOT / each[1]).exists()] == []
