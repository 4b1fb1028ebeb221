"""The benchmarks compare what they say they compare. Nothing is said here about times."""

import os
import shutil

import pytest

from benchmarks import region_map
from hugeresv.model.region_map import RegionMap

needs_compiler = pytest.mark.skipif(shutil.which(os.environ.get("CC", "cc")) is None, reason="no C compiler")


@needs_compiler
def test_map_and_list_are_compared(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A list in C that no longer compiles, or answers otherwise."""
    monkeypatch.setattr(region_map, "OPERATIONS", {1: 100, 100: 1000})
    assert region_map.main() == 0
    assert capsys.readouterr().out.count("count a range") == 2


@needs_compiler
@pytest.mark.parametrize("method", ["chg", "add", "count", "delete"])
def test_a_wrong_answer_fails_the_benchmark(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that looks at nothing."""
    right = getattr(RegionMap, method)
    monkeypatch.setattr(region_map, "OPERATIONS", {100: 100})
    monkeypatch.setattr(RegionMap, method, lambda self, f, t: right(self, f, t) + (f % 7 == 0))
    with pytest.raises(AssertionError, match="differ"):
        region_map.main()


def test_without_a_compiler_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A traceback instead of a reason."""
    monkeypatch.setenv("CC", "no-such-compiler")
    assert region_map.main() == 3
    assert "no-such-compiler" in capsys.readouterr().err
