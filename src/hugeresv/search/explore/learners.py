"""Where the table learns its rows: processes of this machine, or a Dask cluster."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

from hugeresv.errors import UnavailableError
from hugeresv.kernels.syscalls import die_with
from hugeresv.shell import installs

_SCHEDULER_SECONDS = 10


def _prepare(parent: int) -> None:
    """Ctrl-C on a terminal reaches every process of the command: the one that learns from the others answers it."""
    die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def learners(jobs: int, scheduler: str | None = None) -> Iterator[Executor | None]:
    """Where rows are learned: `jobs` processes here, or a Dask cluster by its scheduler's address; None: this process.

    Raises UnavailableError where Dask is not installed, or the scheduler does not answer.
    """
    if scheduler is None and jobs == 1:
        yield None
        return
    if scheduler is None:
        here = ProcessPoolExecutor(jobs, initializer=_prepare, initargs=(os.getpid(),))
        try:
            yield here
        finally:
            here.shutdown(cancel_futures=True)
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise UnavailableError(f"a cluster needs Dask: {installs('distributed')}") from error
    try:
        client = Client(scheduler, timeout=_SCHEDULER_SECONDS)
    except (OSError, ValueError) as error:
        raise UnavailableError(f"{scheduler}: no Dask scheduler answers there: {error}") from error
    with client:
        yield client.get_executor()
