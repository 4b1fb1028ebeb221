"""Puts the site together: pages by zensical, the playground beside them, every link followed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from website.links import broken_links
from website.pages import Pages
from website.playground_files import ROOT, build_playground, fetched

SITE = ROOT / "site"
SOURCES = Path(__file__).parent
MOST_TOLD = 20


class BrokenLinksError(Exception):
    """A page could not be made, or links to what is not there."""


def build(site: Path = SITE) -> None:
    """Make the site anew. Raises NotFetchedError where Pyodide cannot be had, and BrokenLinksError."""
    fetched()
    shutil.rmtree(site, ignore_errors=True)
    pages = build_pages(site)
    build_playground(site, pages.live.texts, pages.live.shown)
    broken = list(broken_links(site))
    if broken:
        told = "\n  ".join(broken[:MOST_TOLD])
        raise BrokenLinksError(f"{len(broken)} links lead nowhere:\n  {told}")


def build_pages(site: Path) -> Pages:
    """The docs as pages; what they show of the playground is in the answer."""
    (ROOT / "build").mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="docs-", dir=ROOT / "build") as folder:
        return _built(Path(folder), site)


def _built(work: Path, site: Path) -> Pages:
    """The same, with what zensical reads and writes in a folder that no other build uses."""
    pages = Pages(work / "pages")
    pages.write()
    shutil.copy(SOURCES / "zensical.toml", work)
    shutil.copytree(SOURCES / "assets", work / "pages" / "assets")
    zensical = (sys.executable, "-m", "zensical", "build", "--strict", "-f", str(work / "zensical.toml"))
    plain = os.environ | {"NO_COLOR": "1"}
    ran = subprocess.run(zensical, cwd=work, env=plain, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise BrokenLinksError(f"zensical: {ran.stdout}{ran.stderr.partition('Traceback')[0]}")
    shutil.copytree(work / "site", site)
    return pages
