"""Running the command line in this process, as a user would see it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from hugeresv.cli.main import main

ROOT = Path(__file__).parents[2]


class Ran(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


Hugeresv = Callable[..., Ran]


@pytest.fixture
def hugeresv(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Hugeresv:
    """Runs `hugeresv` with arguments, piped, at 80 columns, in the checkout or the directory `at`."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def run(*arguments: str | Path, at: Path = ROOT) -> Ran:
        monkeypatch.chdir(at)
        monkeypatch.setattr(sys, "argv", ["hugeresv", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, *capsys.readouterr())

    return run
