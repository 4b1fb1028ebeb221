"""`--html`: one file that needs nothing else, and the same exit status as without."""

import json
import re
from pathlib import Path

from tests.cli.conftest import Hugeresv
from tests.sources.trees import add_process, make_host

CONTRADICTED = "pool 2M nr=4\ndb mmap a 2 private -> rsvd=3\n"


def test_a_page_is_one_small_file_without_addresses(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """A hundred steps. Catches: a style, a script or a picture that is fetched; a page too large to send."""
    scenario, page = tmp_path / "many.scn", tmp_path / "many.html"
    touches = " ".join(map(str, range(99)))
    scenario.write_text(f"pool 2M nr=100\ndb mmap a 100 private\ndb touch a {touches}\n")
    ran = hugeresv("run", "--html", page, scenario)
    assert (ran.status, ran.out) == (0, "1 scenario, all answers as expected\n")
    assert page.stat().st_size < 100_000
    text = page.read_text()
    assert not re.search(r'(?:src|href)=|@import|url\(|https?://(?!www\.w3\.org/2000/svg")', text)


def test_a_page_does_not_change_how_it_went(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """With --html the answers, the summary and the status are those without it.

    Catches: a contradiction that is shown on the page, and is none for a program.
    """
    scenario, page = tmp_path / "wrong.scn", tmp_path / "wrong.html"
    scenario.write_text(CONTRADICTED)
    ran = hugeresv("run", "--html", page, scenario)
    assert ran.status == 1
    assert "1 not as expected" in ran.out
    assert "rsvd is 2, expected 3" in page.read_text()
    assert hugeresv("run", "--html", page, "--json", scenario).status == 2


def test_text_in_a_page_ends_no_element(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """Titles, notes and names are a stranger's. Catches: one that closes the script and begins its own."""
    scenario, page = tmp_path / "hostile.json", tmp_path / "hostile.html"
    evil = "</script><script>alert(1)</script><!--&"
    steps = [{"step": 1, "op": "mmap", "proc": evil, "map": evil, "pages": 1, "type": "private", "note": evil}]
    pool = {"page_size_kB": 2048, "nr_hugepages": 1}
    scenario.write_text(
        json.dumps({"schema": "hugeresv-scenario/1", "id": evil, "title": evil, "pool": pool, "steps": steps})
    )
    assert hugeresv("run", "--html", page, scenario).status == 0
    text = page.read_text()
    assert "<script>alert" not in text
    assert text.count("</script>") == text.count("<script") == 2
    assert "<!--" not in text


def test_what_is_no_file_is_not_replaced(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """`--html` refuses what is no regular file. Catches: a directory or a device that a page takes the place of."""
    for page, why in ((tmp_path, "it is not a regular file"), ("-", "standard output has the report")):
        ran = hugeresv("run", "--html", page, "fork")
        assert (ran.status, ran.out, why in ran.err) == (2, "", True)


def test_a_comparison_as_a_page_tells_whether_they_part(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """`compare --html` still names the scenarios that differ, and exits with 1.

    Catches: a difference that is on the page alone, and not in the exit status.
    """
    page = tmp_path / "page.html"
    ran = hugeresv("compare", "count-in-vma", "2008", "--html", page, "split-middle", "fork")
    assert (ran.status, ran.out) == (1, "2 scenarios, 1 with a difference: split-middle\n")
    assert "promises add up to 6" in page.read_text()
    assert hugeresv("compare", "ideal", "2008", "--html", page, "fork").status == 0


def test_a_picture_of_a_host_is_written_and_nothing_printed(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """Of a captured host. Catches: a picture whose numbers are not those of `--json`."""
    root = tmp_path / "host"
    make_host(root, nr=8, free=5, resv=2)
    add_process(root, 7)
    where = ("--proc", str(root / "proc"), "--sys", str(root / "sys"))
    told = json.loads(hugeresv("status", "--json", *where).out)
    ran = hugeresv("status", "--html", tmp_path / "page.html", *where)
    assert (ran.out, ran.err) == ("", "")
    assert ran.status == hugeresv("status", *where).status
    text = (tmp_path / "page.html").read_text()
    found = dict(re.findall(r'data-counter="(\w+)">(-?\d+)', text))
    assert {name: str(told["pools"][0][name]) for name in found} == found
    assert len(found) == 6
    assert hugeresv("status", "--html", tmp_path / "page.html", "--json", *where).status == 2


def test_no_page_is_written_of_nothing(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """Of a file that cannot be read. Catches: an empty page in the place of the last good one."""
    (tmp_path / "page.html").write_text("the last")
    (tmp_path / "wrong.scn").write_text("pool 2M nr=1\ndb mmapp a 1 private\n")
    for verb in (("run",), ("compare", "ideal", "2008")):
        assert hugeresv(*verb, "--html", tmp_path / "page.html", tmp_path / "wrong.scn").status == 2
        assert (tmp_path / "page.html").read_text() == "the last"


def test_lanes_are_written_and_the_status_is_the_same(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """`interleave --html` prints how it went, exits as without, and writes one file that needs nothing else.

    Catches: a wrong order that is on the page alone; a page that replaces a good one though nothing could be tried.
    """
    page, race = tmp_path / "lanes.html", "history/H33-mmap-and-a-fault-count-twice"
    ran = hugeresv("interleave", "--on", "ideal,races-counted-twice=on", "--html", page, race)
    assert (ran.status, ran.out) == (1, "1 block of concurrent calls, 1 with an order that is wrong\n")
    text = page.read_text()
    assert "vma_commit_reservation 0 = 0" in text
    assert not re.search(r"(?:src|href)=|@import|url\(|https?://", text)
    ran = hugeresv("interleave", "--html", page, race)
    assert (ran.status, ran.out) == (0, "1 block of concurrent calls, no order is wrong\n")
    assert "All orders keep every invariant" in page.read_text()
    page.write_text("the last")
    assert hugeresv("interleave", "--html", page, "split-middle").status == 2
    assert hugeresv("interleave", "--html", page, "--json", race).status == 2
    assert page.read_text() == "the last"
