"""A process that makes system calls when told to, wherever it is."""

from typing import Any, Protocol


class Caller(Protocol):
    """What the keeper of a session needs of a worker."""

    def call(self, name: str, *arguments: Any) -> tuple[int, Any]:
        """Have it make a call of `host.worker.CALLS`: an errno, 0 for success, and the value."""
        ...
