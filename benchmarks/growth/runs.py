"""Growth of what `run` does around a kernel: reading scenarios, looking at mappings, drawing steps."""

import io
import json
import time
from collections.abc import Iterator
from contextlib import suppress

from benchmarks.growth.bench import microseconds
from benchmarks.growth.row import Row
from hugeresv.errors import InputError
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model.presets import PRESETS
from hugeresv.play.film import filmed
from hugeresv.play.play import play
from hugeresv.reports.html.films import described
from hugeresv.reports.html.page import films_page
from hugeresv.reports.json_rows import JsonRows
from hugeresv.reports.run import RunReport
from hugeresv.reports.screen import Screen
from hugeresv.scenario.json_format import parse_json
from hugeresv.scenario.scn_format import parse_scn

WIDTH = 80


def lines(head: str, steps: Iterator[str]) -> str:
    """A scenario of a head and steps, with a pool for any of them."""
    return "\n".join(["pool 2M nr=5000000", head, *steps]) + "\n"


def every_second_page(n: int) -> str:
    """A mapping that comes to have 2n runs."""
    return lines(f"p mmap a {2 * n} private", (f"p touch a {2 * page}" for page in range(n)))


def of_a_shared_file(n: int) -> str:
    """Two mappings of one file, which come to have 2n runs each."""
    head = f"open_file f\np mmap a {2 * n} shared file=f\nq mmap b {2 * n} shared file=f"
    return lines(head, (f"{'pq'[page % 2]} touch {'ab'[page % 2]} {2 * page}" for page in range(n)))


def pages_in_order(n: int) -> str:
    """A mapping whose present pages are one run."""
    return lines(f"p mmap a {2 * n} private", (f"p touch a {page}" for page in range(n)))


def one_mmap_a_step(n: int) -> str:
    """Ever more mappings."""
    return lines("p mmap a 1 private", (f"p mmap m{page} 1 private" for page in range(n)))


def seconds(text: str, *, draw: bool) -> float:
    """CPU time to play and report a scenario that was read."""
    scenario, kernel, stream = parse_scn(text, "f.scn"), ModelKernel(PRESETS["6.18"]), io.StringIO()
    report = RunReport(Screen(stream, WIDTH, colour=False, unicode=True), kernel) if draw else JsonRows(stream)
    begin = time.process_time()
    report.scenario("f.scn", "f", scenario)
    for result in play(scenario, kernel, show=draw):
        report.result(result)
    return time.process_time() - begin


def drawn(text: str) -> float:
    """How many times as long a run takes with pictures as with rows of JSON."""
    return seconds(text, draw=True) / seconds(text, draw=False)


def as_a_page(text: str) -> float:
    """How many times as long a run takes as a page as with rows of JSON."""
    scenario, kernel = parse_scn(text, "f.scn"), ModelKernel(PRESETS["6.18"])
    begin = time.process_time()
    films_page("f", [described("f", scenario, [filmed(scenario, kernel)], kernel.name)])
    return (time.process_time() - begin) / seconds(text, draw=False)


def read_a_step(text: str, steps: int) -> float:
    """Microseconds to read a step."""
    return microseconds(lambda: parse_scn(text, "f.scn")) / steps


def a_key_given_twice(n: int) -> float:
    """Microseconds to refuse an object of n keys, the last of which is there twice."""
    text = "{" + ", ".join(f"{json.dumps(f'k{key}')}: 1" for key in [*range(n), n - 1]) + "}"

    def refuse() -> None:
        with suppress(InputError):
            parse_json(text, "f.json")
            raise AssertionError("a key that is given twice was not refused")

    return microseconds(refuse)


ROWS = (
    Row("run, every second page touched, n steps", "x --json", "flat", 500, lambda n: drawn(every_second_page(n))),
    Row("run, a file mapped twice, n steps", "x --json", "flat", 500, lambda n: drawn(of_a_shared_file(n))),
    Row("run, pages touched in order, n steps", "x --json", "flat", 500, lambda n: drawn(pages_in_order(n))),
    Row("run, n mmaps", "x --json", "flat", 500, lambda n: drawn(one_mmap_a_step(n))),
    Row("page, every second page touched, n steps", "x --json", "flat", 500, lambda n: as_a_page(every_second_page(n))),
    Row("page, a file mapped twice, n steps", "x --json", "flat", 500, lambda n: as_a_page(of_a_shared_file(n))),
    Row("page, n mmaps", "x --json", "flat", 500, lambda n: as_a_page(one_mmap_a_step(n))),
    Row("read a step of n", "us", "flat", 1_000, lambda n: read_a_step(one_mmap_a_step(n), n)),
    Row("a key given twice in an object of n", "us", "linear", 2_000, a_key_given_twice),
)
