"""Puts the site together: pages of this folder, the scripts of `--html`, the package, its scenarios, and Pyodide."""

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from hugeresv.model.presets import PRESETS
from hugeresv.reports.html.page import SHOWING_FILMS, asset
from hugeresv.scenario.operation import OPERATIONS

ROOT = Path(__file__).parents[1]
SITE = ROOT / "site"
SOURCES = Path(__file__).parent

PYODIDE = "314.0.7"
PYODIDE_SHA512 = "0YvXxEhfEdpLfb/XkM2BFAeMROq0iMUX2bzzH9pOttyMcWkwq+HbE5uyuGD82LN7y2q+SNvi/6V5JEsOlD2R1A=="
"""CPython for browsers, from npm; what that registry says of the package, base64."""

PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")

LEFT_OUT = ("cli", "auditing", "sources/drgn", "kernels/guest", "kernels/host")
"""Parts of the package that a browser has no use for."""


class NotFetchedError(Exception):
    """Pyodide is not there and cannot be had; says why."""


def build(site: Path = SITE) -> None:
    """Make the site anew. Raises NotFetchedError where Pyodide cannot be had."""
    archive = fetched()
    playground = site / "playground"
    shutil.rmtree(site, ignore_errors=True)
    shutil.copytree(SOURCES / "playground", playground)
    for style in ("base.css", "films.css"):
        (playground / style).write_text(asset(style), encoding="utf-8")
    scripts = ['"use strict";', *map(asset, SHOWING_FILMS)]
    (playground / "films.js").write_text("\n".join(scripts), encoding="utf-8")
    (playground / "data.json").write_text(json.dumps(_data()), encoding="utf-8")
    _pack(playground / "hugeresv.zip")
    _unpack(archive, playground / "pyodide")


def _data() -> dict[str, object]:
    """What the page knows before Python is there."""
    folder = ROOT / "scenarios"
    paths = sorted(folder.rglob("*.scn"), key=lambda path: (len(path.parts), path))
    scenarios = {str(path.relative_to(folder).with_suffix("")): path.read_text(encoding="utf-8") for path in paths}
    return {"scenarios": scenarios, "operations": sorted(OPERATIONS), "kernels": list(PRESETS)}


def _pack(archive: Path) -> None:
    package = ROOT / "src"
    left_out = [package / "hugeresv" / part for part in LEFT_OUT]
    with ZipFile(archive, "w", ZIP_DEFLATED) as file:
        for path in sorted(package.rglob("*.py")):
            if not any(path.is_relative_to(part) for part in left_out):
                file.write(path, path.relative_to(package))


def fetched() -> Path:
    """The package in build/, which is fetched where it is not there yet."""
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
