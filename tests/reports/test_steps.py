"""The lines of a run: what is wrong is said, what changed is marked, and nothing is wider than the screen."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from hugeresv.kernels.grammar import parse_kernel
from hugeresv.play.play import play
from hugeresv.reports.run import RunReport
from hugeresv.reports.screen import Screen
from hugeresv.scenario.scenario import Scenario
from hugeresv.scenario.scn_format import parse_scn
from tests.played import SCENARIOS, scenario_in

FILES = [path for name in (".", "behaviours", "history") for path in sorted((SCENARIOS / name).glob("*.scn"))]


def report(
    scenario: Scenario | str, kernel: str = "ideal", *, width: int = 80, colour: bool = False, unicode: bool = True
) -> str:
    """What a run prints."""
    if isinstance(scenario, str):
        scenario = parse_scn(scenario, "test.scn")
    stream = io.StringIO()
    on = parse_kernel(kernel)
    told = RunReport(Screen(stream, width, colour, unicode), on)
    told.scenario("test.scn", "test", scenario)
    for result in play(scenario, on, show=True):
        told.result(result)
    told.total()
    return stream.getvalue()


@pytest.mark.parametrize("width", [80, 100, 133])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_line_is_wider_than_the_screen(path: Path, width: int) -> None:
    """No line of a run is wider than the screen.

    Catches: wrapped lines on a terminal of 80 columns, in which no column is under its name.
    """
    scenario = scenario_in(path)
    text = report(scenario, "6.18", width=width)
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_numbers_stand_under_their_names(path: Path) -> None:
    """Every counter ends under its heading, in every row.

    Catches: a column that moves with an outcome, an operation or a sign.
    """
    lines = report(scenario_in(path), "6.18").splitlines()
    head = next(line for line in lines if line.startswith(" step "))
    ends = [head.index(name) + len(name) for name in ("total", "free", "rsvd", "surp")]
    rows = [line for line in lines if re.match(r" *(\d+|end)[! ] ", line)]
    assert rows
    for row in rows:
        cells = [row[:end].split(" ")[-1] for end in ends]
        assert all(re.fullmatch(r"\*?-?\d+", cell) for cell in cells), row
        assert [row[end : end + 1].strip() for end in ends] == [""] * len(ends), row


def test_what_changed_is_marked() -> None:
    """A number has a mark where it differs from the step before.

    Catches: a mark on everything, on nothing, or by comparison with the step after.
    """
    lines = report("pool 2M nr=10\ndb mmap a 10 private\ndb touch a 0\ndb touch a 0").splitlines()
    numbers = [line.split()[-6:-2] for line in lines if "db touch" in line]
    assert numbers == [["10", "*9", "*9", "0"], ["10", "9", "9", "0"]]


def test_a_contradiction_says_both_numbers() -> None:
    """A contradiction has the number and the one that was expected, and the summary names the file.

    Catches: 'Not as expected', and the reader has to look for what was.
    """
    text = report("pool 2M nr=10\ndb mmap a 3 private -> EINVAL rsvd=4")
    assert re.search(r"^ +1! db mmap", text, re.MULTILINE)
    assert "! outcome is ok, expected EINVAL" in text
    assert "! rsvd is 3, expected 4" in text
    assert text.endswith("1 scenario, 1 not as expected: test.scn\n")


WRAPS = "pool 2M nr=10\ndb mmap a 10 private\ndb munmap a 5\ndb munmap a 0+5\ndb munmap a 6+4"


def test_a_wrap_is_told_in_both_spellings() -> None:
    """A wrapped counter is shown signed, and below it as the kernel prints it.

    Catches: -10 alone, which no kernel prints, or the kernel's number alone, from which nobody sees how far it is off.
    """
    lines = report(WRAPS, "count-in-vma").splitlines()
    (at,) = [number for number, line in enumerate(lines) if "db munmap a 0+5" in line]
    assert "*-10" in lines[at]
    assert lines[at + 1].endswith("! rsvd has wrapped: the kernel prints -10 as 18446744073709551606")


def test_a_violation_is_told_once() -> None:
    """A violation is described at the step where it begins; later steps have the mark alone.

    Catches: the same sentences below every step that follows.
    """
    text = report(WRAPS.replace("db munmap a 6+4", "db munmap a 3\ndb munmap a 3"), "count-in-vma")
    assert text.count("I2 (reserved pages are free pages)") == 1
    assert len(re.findall(r"^ +[345]! ", text, re.MULTILINE)) == 3


def test_notes_are_shown_above_their_step() -> None:
    """A note is shown above its step. Catches: a scenario that teaches, without what it has to say."""
    lines = report("pool 2M nr=1\n# Long ago,\n# a page was promised.\ndb mmap a 1 private").splitlines()
    (at,) = [number for number, line in enumerate(lines) if "db mmap" in line]
    assert lines[at - 1].strip() == "# Long ago, a page was promised."


def test_what_would_move_the_cursor_is_escaped() -> None:
    """Control characters of titles, notes and names are escaped.

    Catches: a note from elsewhere that clears the screen or rewrites what was printed above it.
    """
    step = parse_scn('pool 2M nr=1\ndb mmap "a\\u001b[3J" 1 private', "test.scn")
    steps = tuple(replace(each, note="a\x1b[2Jb\rc") for each in step.steps)
    text = report(replace(step, title="t\x1b[1A\tu", steps=steps))
    assert "\x1b" not in text
    assert "\r" not in text
    assert "a\\x1b[2Jb\\rc" in text
    assert "t\\x1b[1A" in text
    assert '"a\\u001b[3J" □' in text


def test_cgroups_and_mounts_are_told_when_they_change() -> None:
    """A cgroup or mount has a line below a step that changes it.

    Catches: counters that a run has and only `--json` shows; or that are repeated below every step.
    """
    text = report(
        "pool 2M nr=10\ncgroup web max=4\nmount m size=3\nopen_file f mount=m\ndb cgroup_move web\n"
        "db mmap a 2 shared file=f\ndb touch a 0\ndb touch a 0"
    )
    told = [line.strip() for line in text.splitlines() if re.match(r" +(cgroup|mount) ", line)]
    assert told == [
        "mount m: blocks=*3 bfree=*3 bavail=*3",
        "cgroup web: usage=0 rsvd=*2",
        "mount m: blocks=3 bfree=*1 bavail=*1",
        "cgroup web: usage=*1 rsvd=2",
        "cgroup web: usage=*0 rsvd=*0",
    ]


def test_a_long_operation_goes_on_below() -> None:
    """A long operation goes on in the next lines, and the counters stay in their columns.

    Catches: an operation cut off in the middle, or numbers pushed aside.
    """
    name = "a-process-with-a-name"
    lines = report(f"pool 2M nr=4\n{name} mmap buffers 4 private noreserve populate").splitlines()
    (at,) = [number for number, line in enumerate(lines) if name in line]
    assert re.search(r" ok +4 +\*0 +0 +0 ", lines[at])
    shown = " ".join([lines[at].split(" ok ")[0], *lines[at + 1 : at + 3]])
    assert "mmap buffers 4 private noreserve populate" in re.sub(r" +", " ", shown)


def test_a_hang_is_the_last_line() -> None:
    """A call that hangs is said to hang, in the last line. Catches: a picture that stops without a word."""
    text = report(
        "pool 2M nr=2\ndb mmap a 1 private\ndb touch a 0\ndb fork kid\ncache mmap b 1 private\n"
        "db mremap a 0 new=1 move_to=c\ndb touch c 0 hangs",
        "6.18",
    )
    assert "It has not returned: the scenario ends there." in text
    assert "end" not in re.findall(r"^ *(end|\d+)", text, re.MULTILINE)


def test_without_unicode_everything_is_ascii() -> None:
    """Without Unicode a report is ASCII. Catches: a box in a log file, or a UnicodeEncodeError."""
    assert report(WRAPS, "count-in-vma", unicode=False).isascii()


def test_colour_is_only_added() -> None:
    """Without its escapes a report in colour is the plain one.

    Catches: text that is there in colour and not without, which a reader of a log would miss.
    """
    coloured = report(WRAPS, "count-in-vma", colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == report(WRAPS, "count-in-vma")


@pytest.mark.parametrize("width", [80, 100])
def test_no_operation_is_cut_within_a_word(width: int) -> None:
    """An operation is cut between its words.

    Catches: names in pieces of ten letters, because a column is kept free for strips that are too long for it anyway.
    """
    operations = [
        "web-server mmap shared-buffer-pool 100000 private",
        "web-server munmap shared-buffer-pool 50000+20000",
    ]
    text = report("\n".join(["pool 2M nr=100000", *operations]), width=width)
    assert max(map(len, text.splitlines())) <= width
    for word in " ".join(operations).split():
        assert re.search(rf"(^|\s){re.escape(word)}(\s|$)", text, re.MULTILINE), word
    assert re.search(r"^ +nothing leaked$|nothing leaked$", text, re.MULTILINE)


def test_signs_are_explained_where_they_are_used() -> None:
    """The legend has the signs that the run uses, and no others.

    Catches: a sign that is nowhere explained: a count beside a gap; lines about signs that are not there.
    """
    small = report("pool 2M nr=4\ndb mmap a 2 private")
    assert "private  ■" in small
    assert not re.search("^(shared|strips)", small, re.MULTILINE)
    large = "\n".join(["pool 2M nr=400", "db mmap a 400 private", *(f"db touch a {page}" for page in range(0, 300, 3))])
    assert re.search(r"\d….* \(400\)$", report(large), re.MULTILINE)
    assert re.search(r"^strips .* …20 twenty left out  \(40\) forty in all$", report(large), re.MULTILINE)
    assert max(map(len, report(large).splitlines())) <= 80
