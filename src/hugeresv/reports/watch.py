"""`hugeresv status --watch`: the same report in a terminal, looked at again and again, in an order that keys choose."""

import asyncio
import io
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer
from textual.widgets import Footer, Static

from hugeresv.errors import HugeresvError
from hugeresv.holders.host import Status
from hugeresv.reports.holders import SORT_KEYS, Shown
from hugeresv.reports.printable import one_line
from hugeresv.reports.screen import Screen
from hugeresv.reports.status import show_status

_SCROLLBAR = 1


class StatusView(App[None]):
    """Looks every few seconds, in a thread, so that keys are answered meanwhile."""

    CSS = """
    #head { height: 1; text-style: reverse; }
    #report { width: auto; height: auto; }
    ScrollableContainer { scrollbar-gutter: stable; scrollbar-size-vertical: 1; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "quit"),
        Binding("ctrl+c", "quit", show=False, priority=True),
        Binding("space", "pause", "pause"),
        Binding("b", "bytes", "bytes"),
        *(Binding(name[0], f"sort({name!r})", name) for name in SORT_KEYS),
    ]

    def __init__(
        self, look: Callable[[], Status], first: Status, seconds: float, shown: Shown, *, colour: bool
    ) -> None:
        """`look` may raise HugeresvError, which is shown until it succeeds again; `first` is what it found just now."""
        super().__init__(ansi_color=True)
        self.theme = "ansi-dark"
        self._look = look
        self._status = first
        self._seconds = seconds
        self._shown = shown
        self._colour = colour
        self._paused = False
        self._problem = ""

    def compose(self) -> ComposeResult:
        """A line about the look, the report, a line of keys."""
        yield Static(id="head", markup=False)
        with ScrollableContainer():
            yield Static(id="report", markup=False)
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Show what is known and go on looking."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit)
        self.query_one(ScrollableContainer).focus()
        self.run_worker(self._keep_looking())

    def on_resize(self) -> None:
        """Columns depend on the width."""
        self._draw()

    def action_sort(self, name: str) -> None:
        """Another order of the holders."""
        self._shown = self._shown._replace(sort=name)
        self._draw()

    def action_bytes(self) -> None:
        """Bytes instead of pages, or back."""
        self._shown = self._shown._replace(in_bytes=not self._shown.in_bytes)
        self._draw()

    def action_pause(self) -> None:
        """Look no more, or again."""
        self._paused = not self._paused
        self._draw()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            if self._paused:
                continue
            try:
                self._status = await asyncio.to_thread(self._look)
                self._problem = ""
            except HugeresvError as error:
                self._problem = str(error)
            if self.is_running:  # else it is being closed, and there may be nothing left to draw on
                self._draw()

    def _draw(self) -> None:
        identity = self._status.identity
        state = "paused" if self._paused else f"every {self._seconds:g} s"
        parts = [identity.host, identity.kernel, identity.time, f"by {self._shown.sort}", state]
        if self._problem:
            parts.insert(0, f"not seen since: {self._problem}")
        self.query_one("#head", Static).update(Text(one_line("  ".join(parts))))
        self.query_one("#report", Static).update(self._report())

    def _report(self) -> Text:
        """The report as `hugeresv status` prints it, which has the escapes of colours and no others."""
        holders = sorted(self._status.observation.holders, key=SORT_KEYS[self._shown.sort])
        status = replace(self._status, observation=replace(self._status.observation, holders=tuple(holders)))
        stream = io.StringIO()
        screen = Screen(stream, self.size.width - _SCROLLBAR, self._colour, unicode=True)
        show_status(screen, status, self._shown)
        text = Text.from_ansi(stream.getvalue())
        text.no_wrap = True
        return text
