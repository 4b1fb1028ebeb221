"""The benchmarks compare what they say they compare. Nothing is said here about times."""

import os
import shutil

import pytest

from benchmarks import region_map, scale
from benchmarks.growth.bench import Bench
from benchmarks.growth.row import Row
from hugeresv.model.region_map import RegionMap
from hugeresv.scenario.operation import Mmap, Touch

needs_compiler = pytest.mark.skipif(shutil.which(os.environ.get("CC", "cc")) is None, reason="no C compiler")


@needs_compiler
def test_map_and_list_are_compared(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The benchmark of the region map builds its list in C and compares both on every operation.

    Catches: a list in C that no longer compiles, or answers otherwise.
    """
    monkeypatch.setattr(region_map, "OPERATIONS", {1: 100, 100: 1000})
    assert region_map.main() == 0
    assert capsys.readouterr().out.count("count a range") == 2


@needs_compiler
@pytest.mark.parametrize("method", ["chg", "add", "count", "delete"])
def test_a_wrong_answer_fails_the_benchmark(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A region map that answers wrongly fails the benchmark. Catches: a comparison that looks at nothing."""
    right = getattr(RegionMap, method)
    monkeypatch.setattr(region_map, "OPERATIONS", {100: 100})
    monkeypatch.setattr(RegionMap, method, lambda self, f, t: right(self, f, t) + (f % 7 == 0))
    with pytest.raises(AssertionError, match="differ"):
        region_map.main()


def test_without_a_compiler_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a compiler the benchmark names it and exits with 3. Catches: a traceback instead of a reason."""
    monkeypatch.setenv("CC", "no-such-compiler")
    assert region_map.main() == 3
    assert "no-such-compiler" in capsys.readouterr().err


@pytest.mark.parametrize("row", scale.ROWS, ids=lambda row: row.what)
def test_every_cost_can_be_measured(row: Row) -> None:
    """A row measures what it names at any size.

    Catches: an operation that no longer answers as the row needs.
    """
    assert row.measure(10) > 0


def test_the_growth_is_printed_beside_its_goal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The ratio is the cost at 10n divided by the cost at n; a word selects rows.

    Catches: a ratio of two equal sizes, or upside down.
    """
    rows = (Row("squares", "us", "linear", 3, lambda n: n * n), Row("nothing", "us", "flat", 3, lambda _: 1))
    monkeypatch.setattr(scale, "ROWS", rows)
    scale.main("squ")
    _, line = capsys.readouterr().out.splitlines()
    assert line.split() == ["squares", "3", "9.0", "900.0", "us", "100.0", "linear"]


def test_a_benchmark_fails_when_an_operation_does() -> None:
    """An operation that answers otherwise than expected ends the measurement.

    Catches: the time of a refused call, printed as the time of the call.
    """
    bench = Bench(1)
    bench.do(Mmap("p", "m", "private", pages=1))
    with pytest.raises(AssertionError, match="SIGSEGV"):
        bench.median([Touch("p", "m", "write", 1)])
