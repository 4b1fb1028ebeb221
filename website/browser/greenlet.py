"""What `hugeresv.together` needs of greenlet, in a browser: tasks that stop in the middle of a call.

A task has a stack of its own where WebAssembly can suspend one (JSPI). To switch is to wait for a promise that the
other side keeps. The hub is whatever stack Python was called on.
"""

from collections.abc import Callable
from typing import Any

from js import Promise, WebAssembly
from pyodide.code import run_js
from pyodide.ffi import create_proxy, run_sync

if not hasattr(WebAssembly, "Suspending"):
    raise ModuleNotFoundError("this browser cannot suspend WebAssembly", name="greenlet")

_call_on_a_stack_of_its_own = run_js("(call) => { call.callPromising(); }")


class GreenletExit(BaseException):
    """Thrown into a task that is given up."""


class _Gate:
    """A promise that one side waits for and the other keeps."""

    def __init__(self) -> None:
        self._promise = Promise.new(create_proxy(self._take))

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
        self.dead = False

    def switch(self) -> None:
        """Go on there, and come back when it switches or ends."""
        global _current  # noqa: PLW0603  one stack runs at a time
        here, _current = _current, self
        gate = here._gate = _Gate()  # noqa: SLF001
        if self._started:
            assert self._gate is not None
            self._gate.open()
        else:
            self._started = True
            _call_on_a_stack_of_its_own(create_proxy(self._begin))
        gate.wait()
        _current = here
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


def getcurrent() -> greenlet:
    """The one that runs."""
    return _current
