"""The terminal view, driven by keys: what stands on its screen."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from queue import Queue

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from hugeresv.errors import UnavailableError
from hugeresv.holders.host import Identity, Status
from hugeresv.holders.warning import warnings_of
from hugeresv.ledger.observation import Holder, HolderProcess, Kind, Observation, PoolUse, exactly
from hugeresv.ledger.reconcile import unexplained
from hugeresv.reports.holders import SORT_KEYS, Shown
from hugeresv.reports.watch import StatusView

POOL = PoolUse(2048, 100, 90, 30, 0, 0)
NEVER = 1e6
HOSTILE = "[red]x[/red] [@click=app.quit]y[/] \x1b[2J\n\udcff"


def holder(name: str, reserved: int, used: int, pid: int) -> Holder:
    return Holder(
        2048, Kind.FILE, name, exactly(reserved), exactly(used), processes=(HolderProcess(pid, f"run-{name}", "u"),)
    )


HOLDERS = (holder("/b", 9, 1, 30), holder("/a", 5, 6, 20), holder("/c", 7, 2, 10))


def status(holders: Sequence[Holder] = HOLDERS, pool: PoolUse = POOL) -> Status:
    observation = Observation((pool,), tuple(holders))
    rest = unexplained(observation)
    return Status(Identity("h", "k", "b", "t"), observation, rest, warnings_of(observation, rest))


def lines(view: StatusView) -> list[str]:
    """What the terminal shows."""
    return ["".join(segment.text for segment in strip).rstrip() for strip in view.screen._compositor.render_strips()]


def order(view: StatusView) -> list[str]:
    """The names of the holders from the top down."""
    return [word for line in lines(view) for word in line.split() if word in {"/a", "/b", "/c"}]


def drive(view: StatusView, script: Callable[[Pilot[None]], Awaitable[None]], *, width: int = 120) -> None:
    """Run the view in a terminal of its own, with a person who follows a script."""

    async def run() -> None:
        async with view.run_test(size=(width, 30)) as pilot:
            await pilot.pause()
            await script(pilot)

    asyncio.run(run())


def view_of(
    look: Callable[[], Status] = status, first: Status | None = None, seconds: float = NEVER, *, colour: bool = False
) -> StatusView:
    return StatusView(look, first or status(), seconds, Shown(each=True), colour=colour)


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Wait until something is on the screen."""
    async with asyncio.timeout(20):
        while not holds():
            await pilot.pause(0.01)


def test_keys_put_holders_in_order() -> None:
    """Each key sorts as the line at the bottom says. Catches: a key that does something else."""
    orders = {"u": "/a/c/b", "r": "/b/c/a", "h": "/a/b/c", "n": "/a/b/c", "p": "/c/a/b"}

    async def script(pilot: Pilot[None]) -> None:
        assert "".join(order(view)) == orders["h"]
        for key, expected in orders.items():
            await pilot.press(key)
            await until(pilot, lambda expected=expected: "".join(order(view)) == expected)  # type: ignore[misc]
        assert all(f" {name[0]} {name}" in lines(view)[-1] for name in SORT_KEYS)

    view = view_of()
    drive(view, script)


def test_bytes_and_back() -> None:
    """b shows bytes, and b again pages. Catches: pages that are called bytes."""

    async def script(pilot: Pilot[None]) -> None:
        for total in ("100", str(100 << 21), "100"):
            await until(pilot, lambda total=total: lines(view)[2].split()[:2] == ["2M", total])  # type: ignore[misc]
            await pilot.press("b")

    view = view_of()
    drive(view, script)


def test_it_looks_again_and_stops_when_it_is_told() -> None:
    """Space pauses and goes on. Catches: a screen that stays as it was; a pause that does not hold."""
    begun: list[int] = []
    go_on: Queue[None] = Queue()
    over = threading.Event()

    def look() -> Status:
        begun.append(1)
        if not over.is_set():
            go_on.get()
        return status(pool=replace(POOL, total=100 + len(begun)))

    def shows(total: int) -> bool:
        return lines(view)[2].split()[1] == str(total)

    async def script(pilot: Pilot[None]) -> None:
        go_on.put(None)
        await until(pilot, lambda: shows(101) and len(begun) == 2)
        await pilot.press("space")
        await until(pilot, lambda: "paused" in lines(view)[0])
        go_on.put(None)
        await until(pilot, lambda: shows(102))
        await pilot.pause(0.1)
        assert len(begun) == 2
        await pilot.press("space")
        go_on.put(None)
        await until(pilot, lambda: shows(103))
        over.set()
        go_on.put(None)

    view = view_of(look, seconds=0.01)
    drive(view, script)


def test_keys_are_answered_during_a_look() -> None:
    """Keys work during a look. Catches: a host with a million mappings that freezes the terminal."""
    looking, finish = threading.Event(), threading.Event()

    def look() -> Status:
        looking.set()
        assert finish.wait(20)
        return status()

    async def script(pilot: Pilot[None]) -> None:
        await until(pilot, looking.is_set)
        await pilot.press("p")
        await until(pilot, lambda: order(view) == ["/c", "/a", "/b"])
        finish.set()

    view = view_of(look, seconds=0.01)
    drive(view, script)


def test_what_cannot_be_seen_for_a_while_is_said() -> None:
    """While the host cannot be read the view says why, shows the last status, and goes on.

    Catches: an old status that passes for a new one, or a view that ends by night.
    """
    found = threading.Event()

    def look() -> Status:
        if not found.is_set():
            raise UnavailableError("no [b]huge[/b] pages\x1b here")
        return status(pool=replace(POOL, total=200))

    async def script(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: r"not seen since: no [b]huge[/b] pages\x1b here" in lines(view)[0])
        found.set()
        await until(pilot, lambda: lines(view)[2].split()[1] == "200")
        assert "not seen" not in lines(view)[0]

    view = view_of(look, seconds=0.02)
    drive(view, script)


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
def test_q_and_control_c_leave(key: str) -> None:
    """Both q and Ctrl-C leave the view. Catches: a view that asks for another key to leave it."""

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press(key)
        await until(pilot, lambda: not view.is_running)

    view = view_of()
    drive(view, script)
    assert view.return_code == 0


def test_hostile_names_are_shown_as_they_are_spelled() -> None:
    """Names with markup or escapes are shown as they are spelled.

    Catches: markup that the toolkit obeys, from the name of a file or of the host: here a link that quits.
    """
    found = status([holder(HOSTILE, 5, 5, 7)])
    found = replace(found, identity=Identity(HOSTILE, "k", "b", "t"))

    async def script(pilot: Pilot[None]) -> None:
        shown = r"[red]x[/red] [@click=app.quit]y[/] \x1b[2J\n\udcff"
        assert shown in lines(view)[0]
        assert sum(shown in line for line in lines(view)) == 2
        assert all(line.isprintable() for line in lines(view))

    for colour in (False, True):
        view = view_of(first=found, colour=colour)
        drive(view, script, width=250)


def test_a_long_report_is_scrolled() -> None:
    """A report longer than the terminal is scrolled to its end.

    Catches: warnings below the last line of the terminal that nobody can reach.
    """
    many = [holder(f"/f{number}", 1, 1, number) for number in range(1, 100)]

    async def script(pilot: Pilot[None]) -> None:
        assert view.query_one("#report", Static).size.height > 100
        assert not any("Warning" in line for line in lines(view))
        await pilot.press("end")
        await until(pilot, lambda: any("Warning" in line for line in lines(view)))
        assert not any("OVERCOMMIT" in line for line in lines(view))

    view = view_of(first=status(many))
    drive(view, script)


def test_a_look_that_ends_while_the_view_is_closed_is_not_drawn() -> None:
    """A look that ends after the view was closed is dropped.

    Catches: a traceback in the terminal of somebody who pressed q a moment too soon.
    """
    looking = threading.Event()

    def look() -> Status:
        looking.set()
        while view.is_running or (view.screen_stack and view.query("#head")):
            time.sleep(0)
        return status()

    async def script(pilot: Pilot[None]) -> None:
        await until(pilot, looking.is_set)

    view = view_of(look, seconds=0)
    drive(view, script)
