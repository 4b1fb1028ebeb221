"""`hugeresv audit` where there is nothing to read: what it says, and with which status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Hugeresv

pytest.importorskip("drgn")


@pytest.mark.parametrize("content", [b"", b"hello\n", b"makedumpfile".ljust(16, b"\0"), b"\x7fELF" + bytes(100)])
def test_a_file_that_is_no_memory(hugeresv: Hugeresv, tmp_path: Path, content: bytes) -> None:
    """A file that is no dump is told in one line that names it, with status 2.

    Catches: a traceback, or a status that says that a ledger is not true.
    """
    path = tmp_path / "file"
    path.write_bytes(content)
    ran = hugeresv("audit", str(path))
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"hugeresv: error: {path}: ")


def test_a_file_that_is_not_there(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """A path that does not exist is told as such, with status 2.

    Catches: a missing file taken for a kernel that cannot be read.
    """
    ran = hugeresv("audit", str(tmp_path / "none"))
    assert (ran.status, ran.out) == (2, "")
    assert "No such file" in ran.err


def test_this_kernel_where_its_memory_cannot_be_read(
    hugeresv: Hugeresv, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where there is no /proc/kcore the message names it and what to read instead. Catches: a traceback, no advice."""
    kcore = tmp_path / "kcore"
    monkeypatch.setattr("hugeresv.sources.drgn.target._KCORE", kcore)
    ran = hugeresv("audit")
    assert (ran.status, ran.out) == (3, "")
    assert str(kcore) in ran.err
    assert "dump" in ran.err


def test_without_drgn() -> None:
    """Where drgn is not installed, the message has the command that installs it, with status 3.

    Catches: an ImportError, or advice that does not name the package.
    """
    program = "import sys; sys.modules['drgn'] = None; from hugeresv.cli.main import main; main()"
    ran = subprocess.run([sys.executable, "-c", program, "audit", "file"], capture_output=True, text=True, check=False)
    assert ran.returncode == 3
    assert f"{sys.executable} -m pip install drgn" in ran.stderr


def test_rows_say_what_does_not_hold(hugeresv: Hugeresv) -> None:
    """With --audit each row has what does not hold after its step, and is as without it otherwise.

    Catches: a row that lacks `audit`, or has it unasked. The split before 2008 violates I1.
    """
    scenario = "scenarios/split-middle.scn"
    plain = hugeresv("run", "--json", "--on", "count-in-vma", scenario)
    audited = hugeresv("run", "--json", "--audit", "--on", "count-in-vma", scenario)
    rows = [json.loads(line) for line in audited.out.splitlines()]
    assert [row.pop("audit") == [] for row in rows] == [True] * 4 + [False] * 3
    assert rows == [json.loads(line) for line in plain.out.splitlines()]
    assert (plain.status, audited.status) == (0, 0)
