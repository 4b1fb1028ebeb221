"""What `hugeresv.together` needs of greenlet, in a browser: tasks that stop in the middle of a call.

A task has a stack of its own where WebAssembly can suspend one (JSPI). To switch is to wait for a promise that the
other side keeps. The hub is whatever stack Python was called on.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any

from js import Promise, WebAssembly
from pyodide.code import run_js
from pyodide.ffi import create_once_callable, create_proxy, run_sync

from hugeresv.errors import UnavailableError

if not hasattr(WebAssembly, "Suspending"):
    raise ModuleNotFoundError("this browser cannot suspend WebAssembly", name="greenlet")

PATIENCE = 20.0
"""Seconds from one `getcurrent` to the next; a search that takes longer is for a terminal."""

_call_on_a_stack_of_its_own = run_js("(call) => { call.callPromising(); }")


class GreenletExit(BaseException):
    """Thrown into a task that is given up."""


class _Gate:
    """A promise that one side waits for and the other keeps."""

    def __init__(self) -> None:
        self._promise = Promise.new(create_once_callable(self._take))

    def _take(self, resolve: Callable[[Any], None], _reject: object) -> None:
        self.open = lambda: resolve(None)

    def wait(self) -> None:
        run_sync(self._promise)


class greenlet:  # noqa: N801  greenlet calls it so
    """A task, or the hub: what has no function to run."""

    def __init__(self, run: Callable[[], object] | None = None, parent: "greenlet | None" = None) -> None:
        self._run = run
        self._parent = parent
        self._gate: _Gate | None = None
        self._exit = False
        self._started = run is None
        self._error: BaseException | None = None
        self._begin_proxy: Any = None
        self.dead = False

    def switch(self) -> None:
        """Go on there, and come back when it switches or ends. Raises UnavailableError when patience is at its end."""
        if self is not _hub and monotonic() > _deadline and not self._exit:
            raise UnavailableError("these calls have too many orders for a browser: use hugeresv interleave")
        global _current  # noqa: PLW0603  one stack runs at a time
        here, _current = _current, self
        gate = here._gate = _Gate()  # noqa: SLF001
        if self._started:
            assert self._gate is not None
            self._gate.open()
        else:
            self._started = True
            self._begin_proxy = create_proxy(self._begin)
            _call_on_a_stack_of_its_own(self._begin_proxy)
        gate.wait()
        _current = here
        if self.dead and self._begin_proxy is not None:
            self._begin_proxy.destroy()
            self._begin_proxy = None
        if here._exit:  # noqa: SLF001
            raise GreenletExit
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def throw(self) -> None:
        """End it."""
        if self._started:
            self._exit = True
            self.switch()
        self.dead = True

    def _begin(self) -> None:
        assert self._run is not None
        assert self._parent is not None
        try:
            self._run()
        except GreenletExit:
            pass
        except BaseException as error:  # noqa: BLE001  it goes on in the one that waits
            self._error = error
        self.dead = True
        parent_gate = self._parent._gate  # noqa: SLF001
        assert parent_gate is not None
        parent_gate.open()


_hub = greenlet()
_current = _hub


_deadline = 0.0


def getcurrent() -> greenlet:
    """The one that runs; whoever asks begins a search."""
    global _deadline  # noqa: PLW0603  of the search that is under way
    _deadline = monotonic() + PATIENCE
    return _current
