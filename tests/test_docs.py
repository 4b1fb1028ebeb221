"""What the README shows is what happens: its commands are run and their output compared, word for word."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hugeresv.cli.verbs import VERBS
from hugeresv.model.presets import PRESETS
from hugeresv.model.release import RUN

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BIN = Path(sys.executable).parent

SESSIONS = re.findall(r"^```console\n\$ (.*)\n((?:.*\n)*?)```$", README, re.MULTILINE)


@pytest.mark.parametrize(("command", "output"), SESSIONS, ids=[command for command, _ in SESSIONS])
def test_a_session_is_as_shown(command: str, output: str) -> None:
    """A command of the README prints, at 80 columns, what the README shows.

    Catches: the output of an earlier version.
    """
    environment = os.environ | {"COLUMNS": "80", "PATH": f"{BIN}:{os.environ['PATH']}"}
    environment.pop("PYTHONIOENCODING", None)
    ran = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.stdout == output
    assert ran.stderr == ""


def test_there_are_sessions() -> None:
    """Every `$ hugeresv` of the README is in a block that is checked.

    Catches: a fence of another kind, behind which nothing is checked.
    """
    assert README.count("$ hugeresv ") == len(SESSIONS) >= 3


def test_verbs_and_kernels_are_those_that_there_are() -> None:
    """The README names every verb and every preset, and no verb that there is not.

    Catches: a verb that does not exist yet, or one that nobody hears of.
    """
    assert set(re.findall(r"`hugeresv (\w+)`", README)) >= set(VERBS) - {"completion"}
    assert set(re.findall(r"hugeresv (\w+)", README)) <= {*VERBS, "is"}
    for name in PRESETS:
        assert f"`{name}`" in README


def test_links_lead_somewhere() -> None:
    """Every link of the README leads to a file that is there. Catches: a page that was moved."""
    targets = re.findall(r"\]\(([^)#]+)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_history_is_counted_as_its_page_counts() -> None:
    """The README has the counts of docs/history.md. Catches: a number that grew there and not here."""
    page = (ROOT / "docs" / "history.md").read_text()
    for how in ("confirmed on a kernel", "derived from source"):
        (count,) = re.findall(rf"^- (\d+) {how}", page, re.MULTILINE)
        assert f"{count} {how}" in README


def test_the_documentation_lists_what_was_run() -> None:
    """docs/kernels.md has the releases of every preset.

    Catches: a preset or a release that is added and that no reader hears of.
    """
    page = (ROOT / "docs/kernels.md").read_text()
    for name, run in RUN.items():
        assert f"| `{name}` | {', '.join('.'.join(map(str, release)) for release in run)} |" in page
