"""The pages as Markdown: the docs as they are, and what is made of scenarios, help texts, docstrings and files.

A page keeps its place in the repository, so that links between pages stay as they are. What is no page there has one
here: `page_of` says which.
"""

import json
import os
import re
from pathlib import Path, PurePosixPath

import hugeresv
from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.model.presets import PRESETS
from hugeresv.scenario.scenario import Scenario
from hugeresv.scenario.scn_format import parse_scn
from website.live import Live, Shown
from website.playground_files import ROOT
from website.verbs import escaped, verb_pages

COPIED = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/**/*.md", "benchmarks/README.md")
MOVED = {"README.md": "about.md", "docs/tour.ipynb": "docs/tour.md", "scenarios/history": "docs/history.md"}
FOLDERS = {"scenarios": "scenarios/index.md", "scenarios/behaviours": "scenarios/index.md"}
"""Files and folders whose page has another name."""

NEWEST_FIRST = ("6.18", "7.3", "6.12", "6.1", "5.10", "2008", "count-in-vma")
ENTRY = re.compile(r"^\| H\d.*", re.MULTILINE)
_LINK = re.compile(r"\]\((?P<target>[^)\s#]+)(?P<place>#[^)\s]*)?\)")
_LANGUAGES = {".py": "python", ".scn": "text", ".toml": "toml", ".c": "c"}


class Pages:
    """Writes all pages into a folder."""

    def __init__(self, folder: Path) -> None:
        self.live = Live()
        self._folder = folder
        self._linked: set[str] = set()

    def write(self) -> None:
        """Write them, the files that others link to last."""
        copied = [path for pattern in COPIED for path in sorted(ROOT.glob(pattern))]
        for path in copied:
            name = path.relative_to(ROOT).as_posix()
            self._put(page_of(name), path.read_text(encoding="utf-8"), name)
        self._put("index.md", (ROOT / "website" / "home.md").read_text(encoding="utf-8"), "index.md")
        self._put("docs/tour.md", _notebook(ROOT / "docs" / "tour.ipynb"), "docs/tour.ipynb")
        for name, text in verb_pages().items():
            self._put(f"verbs/{name}.md", text)
        self._put("api.md", _api())
        self._history()
        self._scenarios()
        for name in sorted(self._linked):
            path = ROOT / name
            fence = f"```{_LANGUAGES.get(path.suffix, 'text')}\n{path.read_text(encoding='utf-8')}```"
            self._put(page_of(name), f"# {name}\n\n{fence}\n")

    def _put(self, page: str, text: str, source: str | None = None) -> None:
        """Write a page; its links are seen from where its source is."""
        path = self._folder / page
        path.parent.mkdir(parents=True, exist_ok=True)
        linked = _LINK.sub(lambda found: self._link(found, page, source or page), text)
        live = self.live.page(linked, page.removesuffix(".md"), root_of(page))
        path.write_text(live, encoding="utf-8")

    def _link(self, found: re.Match[str], page: str, source: str) -> str:
        target = found["target"]
        if ":" in target:
            return found[0]
        name = os.path.normpath(PurePosixPath(source).parent / target)
        path = ROOT / name
        if not path.exists() or (path.is_dir() and name not in MOVED | FOLDERS):
            return found[0]
        there = page_of(name)
        if path.is_file() and path.suffix not in {".md", ".scn", ".ipynb"}:
            self._linked.add(name)
        return f"]({os.path.relpath(there, PurePosixPath(page).parent)}{found['place'] or ''})"

    def _history(self) -> None:
        """A page for every entry of docs/history.md."""
        table = (ROOT / "docs" / "history.md").read_text(encoding="utf-8")
        for row in ENTRY.findall(table):
            name, kernels, wrong, fixed, known, note, scenario = (cell.strip() for cell in row.strip("|").split("|"))
            lines = [
                f"# {name}: {escaped(wrong)}\n",
                f"| kernels | {kernels} |\n| --- | --- |",
                f"| fixed by | {fixed} |",
                f"| how it is known | {known} |",
                f"| note | {note} |",
                "",
            ]
            if scenario:
                file = re.search(r"\((?:\.\./)*(scenarios/.*?)\)", scenario)
                assert file is not None
                lines += self._shown(file[1], f"docs/history/{name}.md")
            else:
                lines.append("No scenario shows it: see how it is known, and the note.\n")
            lines.append("[All bugs of the history](history.md)")
            self._put(f"docs/history/{name}.md", "\n".join(lines) + "\n", "docs/history.md")

    def _scenarios(self) -> None:
        """A page for every scenario that is none of the history, and one that lists them."""
        lists: dict[str, list[str]] = {}
        for path in sorted((ROOT / "scenarios").rglob("*.scn")):
            name = path.relative_to(ROOT).as_posix()
            scenario = parse_scn(path.read_text(encoding="utf-8"), name)
            page = page_of(name)
            if not name.startswith("scenarios/history/"):
                text = "\n".join([f"# {path.stem}\n", *self._shown(name, page)])
                self._put(page, text)
            row = f"- [{path.stem}]({os.path.relpath(page, 'scenarios')}): {escaped(_summary(scenario))}"
            lists.setdefault(path.parent.name, []).append(row)
        titles = {"scenarios": "First steps", "behaviours": "A switch each", "history": "Bugs of the history"}
        parts = [f"## {title}\n\n" + "\n".join(lists[folder]) for folder, title in titles.items()]
        self._put("scenarios/index.md", "# All scenarios\n\n" + "\n\n".join(parts) + "\n")

    def _shown(self, name: str, page: str) -> list[str]:
        """A scenario running: on the newest kernel that has its bug, beside `ideal`."""
        text = (ROOT / name).read_text(encoding="utf-8")
        scenario = parse_scn(text, name)
        kernel = shows_on(scenario)
        short = name.removeprefix("scenarios/").removesuffix(".scn")
        ideal = "ideal" if kernel != "ideal" else ""
        beside = ", beside ideal" if ideal else ""
        runs = f"hugeresv compare ideal {kernel} {short}" if ideal else f"hugeresv run {short}"
        return [
            escaped(_summary(scenario)) + "\n",
            f"On {kernel}{beside}:\n",
            self.live.frame(Shown(short, kernel, ideal), root_of(page)) + "\n",
            f"In a terminal:\n\n    {runs}\n",
            f'??? note "As text"\n\n    ```text\n{re.sub("^", "    ", text, flags=re.MULTILINE)}\n    ```\n',
        ]


def page_of(name: str) -> str:
    """The page of a file or folder of the repository."""
    known = (MOVED | FOLDERS).get(name)
    if known is not None:
        return known
    entry = re.fullmatch(r"scenarios/history/(H\d+)-.*\.scn", name)
    if entry:
        return f"docs/history/{entry[1]}.md"
    if name.endswith(".md"):
        return name
    return f"{name.removesuffix('.scn')}.md" if name.endswith(".scn") else f"files/{name}.md"


def root_of(page: str) -> str:
    """How the root is called from where the page's source is; zensical makes an address of it."""
    return "../" * (len(PurePosixPath(page).parts) - 1)


def shows_on(scenario: Scenario) -> str:
    """The kernel on which a scenario shows what it is for: a release, else a behaviour, else ideal."""
    tables = [step.expect_on for step in scenario.steps] + [scenario.leaks_rsvd]
    names = list(dict.fromkeys(name for table in tables if isinstance(table, dict) for name in table))
    releases = [name for name in NEWEST_FIRST if name in names and not name.startswith("ideal")]
    switches = [name for name in names if name not in PRESETS and "guest" not in name and name != "host"]
    found = (releases or switches or ["ideal"])[0]
    parse_behaviour(found)
    return found


def _summary(scenario: Scenario) -> str:
    return " ".join((scenario.title or "").split())


def _api() -> str:
    """What `import hugeresv` gives, from its docstrings."""
    parts = ["# API\n", "What `import hugeresv` gives, from its docstrings. [From Python](docs/api.md) has examples.\n"]
    for name in sorted(hugeresv.__all__, key=lambda name: (name.endswith("Error"), not name.islower(), name)):
        thing = getattr(hugeresv, name)
        parts.append(f"::: {thing.__module__}.{thing.__qualname__}\n")
    return "\n".join(parts)


def _notebook(path: Path) -> str:
    """A notebook's cells, without what they draw: the playground draws it."""
    parts = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
    return "\n\n".join(parts) + "\n"
