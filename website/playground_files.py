"""The playground: its page, the scripts of `--html`, the package, scenarios, films that are ready, and Pyodide."""

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import jinja2
import markupsafe

from hugeresv.model.presets import PRESETS
from hugeresv.reports.html.page import SHOWING_FILMS, asset
from hugeresv.reports.html.playground import answer
from hugeresv.scenario.operation import OPERATIONS
from website.live import DEFAULT, Shown

ROOT = Path(__file__).parents[1]
SOURCES = Path(__file__).parent / "playground"
FOR_BROWSERS = Path(__file__).parent / "browser"
"""Modules that take the place of what a browser cannot have."""

PYODIDE = "314.0.7"
PYODIDE_SHA512 = "0YvXxEhfEdpLfb/XkM2BFAeMROq0iMUX2bzzH9pOttyMcWkwq+HbE5uyuGD82LN7y2q+SNvi/6V5JEsOlD2R1A=="
"""CPython for browsers, from npm; what that registry says of the package, base64."""

PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")

LEFT_OUT = ("cli", "auditing", "sources/drgn", "kernels/guest", "kernels/host")
"""Parts of the package that a browser has no use for."""


class NotFetchedError(Exception):
    """Pyodide is not there and cannot be had; says why."""


def build_playground(site: Path, texts: Mapping[str, str] | None = None, shown: Sequence[Shown] = ()) -> None:
    """Make its folder in the site.

    `texts` are scenarios that it lists besides the project's. Films of `shown`, and of the project's scenarios on
    the kernel that the page begins with, are there before Python is.
    Raises NotFetchedError where Pyodide cannot be had.
    """
    archive = fetched()
    playground = site / "playground"
    shutil.copytree(SOURCES, playground)
    for style in ("base.css", "films.css"):
        (playground / style).write_text(asset(style), encoding="utf-8")
    scripts = ['"use strict";', *map(asset, SHOWING_FILMS)]
    (playground / "films.js").write_text("\n".join(scripts), encoding="utf-8")
    known = _scenarios()
    scenarios = {**known, **(texts or {})}
    ready = _films(playground / "films", scenarios, [*(Shown(name, DEFAULT) for name in known), *shown])
    data = {"scenarios": scenarios, "operations": sorted(OPERATIONS), "kernels": list(PRESETS), "ready": ready}
    (playground / "data.json").write_text(json.dumps(data), encoding="utf-8")
    _pack(playground / "hugeresv.zip")
    _pack_drawing(playground / "drawing.zip")
    _unpack(archive, playground / "pyodide")
    _take_snapshot(playground)


def _scenarios() -> dict[str, str]:
    """The text of every scenario of the project, by its name."""
    folder = ROOT / "scenarios"
    paths = sorted(folder.rglob("*.scn"), key=lambda path: (len(path.parts), path))
    return {str(path.relative_to(folder).with_suffix("")): path.read_text(encoding="utf-8") for path in paths}


def _films(folder: Path, scenarios: Mapping[str, str], shown: Sequence[Shown]) -> dict[str, str]:
    """Writes what Python would answer, a file each; their names by what they are of, as the page looks for it."""
    folder.mkdir()
    ready = {}
    for number, each in enumerate(dict.fromkeys(shown)):
        question = {"do": "run", "text": scenarios[each.name], "kernel": each.kernel, "other": each.other}
        found = answer(json.dumps(question))
        if "error" in json.loads(found):
            raise ValueError(f"{each.name} on {each.kernel}: {found}")
        (folder / f"{number}.json").write_text(found, encoding="utf-8")
        ready[" ".join(filter(None, each))] = f"films/{number}.json"
    return ready


def _pack(archive: Path) -> None:
    package = ROOT / "src"
    left_out = [package / "hugeresv" / part for part in LEFT_OUT]
    with ZipFile(archive, "w", ZIP_DEFLATED) as file:
        for path in sorted(package.rglob("*.py")):
            if not any(path.is_relative_to(part) for part in left_out):
                file.write(path, path.relative_to(package))
        for path in sorted(FOR_BROWSERS.iterdir()):
            file.write(path, path.name)


def _pack_drawing(archive: Path) -> None:
    """What draws lanes, which the browser loads when it is asked for some: the template, and what reads it."""
    html = Path("hugeresv", "reports", "html")
    with ZipFile(archive, "w", ZIP_DEFLATED) as file:
        for name in ("lanes.html.jinja", "assets/base.css", "assets/lanes.css"):
            file.write(ROOT / "src" / html / name, html / name)
        for module in (jinja2, markupsafe):
            folder = Path(next(iter(module.__path__)))
            for path in sorted(folder.glob("*.py")):
                file.write(path, Path(folder.name, path.name))


def _take_snapshot(playground: Path) -> None:
    """Python's memory once it has imported what the page asks: a browser begins with it and imports nothing."""
    script = Path(__file__).parent / "snapshot.mjs"
    pyodide, package, snapshot = playground / "pyodide", playground / "hugeresv.zip", playground / "snapshot.bin"
    node = ("node", str(script), str(pyodide), str(package), answer.__module__, str(snapshot))
    ran = subprocess.run(node, check=False, capture_output=True, text=True)
    if ran.returncode:
        raise NotFetchedError(f"node cannot run Pyodide: {ran.stderr[-500:].strip()}")


def fetched() -> Path:
    """The package in build/, which is fetched where it is not there yet."""
    if shutil.which("node") is None:
        raise NotFetchedError("node is needed to prepare Pyodide. On Debian: sudo apt-get install npm")
    archive = ROOT / "build" / f"pyodide-{PYODIDE}.tgz"
    if not archive.exists():
        archive.parent.mkdir(exist_ok=True)
        if shutil.which("npm") is None:
            raise NotFetchedError("npm is needed to fetch Pyodide. On Debian: sudo apt-get install npm")
        npm = ("npm", "pack", "--silent", f"pyodide@{PYODIDE}", "--pack-destination", str(archive.parent))
        if subprocess.run(npm, check=False, stdout=subprocess.DEVNULL).returncode:
            raise NotFetchedError(f"npm cannot fetch pyodide@{PYODIDE}")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != PYODIDE_SHA512:
        raise NotFetchedError(f"{archive} is not the package that was pinned; remove it")
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    folder.mkdir()
    with tarfile.open(archive) as file:
        for name in PYODIDE_FILES:
            content = file.extractfile(f"package/{name}")
            assert content is not None
            (folder / name).write_bytes(content.read())
