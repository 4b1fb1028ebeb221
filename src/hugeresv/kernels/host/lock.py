"""The lock on this host's huge page pools: a file that one guardian holds for as long as it uses them.

The directory may be writable for everybody (/run/lock is), so the file is opened as one opens a file that a stranger
may have put there: no symbolic link, a regular file, ours, with no second name.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from hugeresv.errors import UnavailableError

DEFAULT_PATH = "/run/lock/hugeresv.lock"
VARIABLE = "HUGERESV_LOCK"


def lock_path() -> str:
    """Where the lock is: as the environment variable HUGERESV_LOCK says, or in /run/lock."""
    return os.path.abspath(os.environ.get(VARIABLE) or DEFAULT_PATH)


@contextmanager
def held(path: str, holder: str) -> Iterator[None]:
    """Hold the lock; `holder` is what others are told who ask for it meanwhile. Raises UnavailableError at once."""
    descriptor = _open(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "a process that is just starting"
            raise UnavailableError(
                f"the host's huge page pool is in use by {other} (lock {path}); wait for its end"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{holder}\n".encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _open(path: str) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise UnavailableError(f"cannot open the lock {path}: {error.strerror} ({VARIABLE} names another)") from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_nlink != 1:
        os.close(descriptor)
        raise UnavailableError(
            f"the lock {path} is not a regular file of ours with one name; remove it, or name another in {VARIABLE}"
        )
    return descriptor
