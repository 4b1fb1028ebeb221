"""The lock on this host's huge page pools: a file that one guardian holds for as long as it uses them.

The file lies in a directory in which only its owner can make files, so that no other user can hold the lock or stand in
its way. It is opened as one opens a file that HUGERESV_LOCK may name by mistake: no symbolic link, a regular file of
ours with one name, and with nothing in it that is not the line of a holder.
"""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from hugeresv.errors import UnavailableError

DEFAULT_PATH = "/run/hugeresv/lock"
VARIABLE = "HUGERESV_LOCK"
WAIT_VARIABLE = "HUGERESV_LOCK_WAIT"

_FIRST_WORD = b"held by "
_LONGEST_LINE = 200
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def lock_path() -> str:
    """Where the lock is: as the environment variable HUGERESV_LOCK says, or in /run/hugeresv."""
    return os.path.abspath(os.environ.get(VARIABLE) or DEFAULT_PATH)


def wait_seconds() -> float:
    """How long to wait for a lock that another holds: as HUGERESV_LOCK_WAIT says; 0 if it does not.

    Raises UnavailableError for a value that is no number of seconds.
    """
    told = os.environ.get(WAIT_VARIABLE) or "0"
    if not told.isdecimal():
        raise UnavailableError(f"{WAIT_VARIABLE}={told}: expected a whole number of seconds")
    return float(told)


def give_up() -> bool:
    """What `held` asks for by default: no second try."""
    return False


@contextmanager
def held(path: str, holder: str, try_again: Callable[[], bool] = give_up) -> Iterator[None]:
    """Hold the lock; `holder` is what others are told who ask for it meanwhile.

    While another holds it, `try_again` is called, which waits a moment and says whether to go on. Raises
    UnavailableError when it says no, and for a path that cannot be a lock.
    """
    descriptor = _open(path)
    try:
        while not _taken(descriptor):
            if not try_again():
                raise UnavailableError(
                    f"the host's huge page pool is in use by {_holder(descriptor)} (lock {path}); "
                    f"wait until it ends, or set {WAIT_VARIABLE} to the seconds to wait for it"
                )
        if not _is_empty_or_ours(descriptor):
            raise UnavailableError(
                f"the lock {path} has other content and was not changed; name another file in {VARIABLE}"
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, _FIRST_WORD + holder.encode() + b"\n", 0)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> str:
    line = os.pread(descriptor, _LONGEST_LINE, 0).removeprefix(_FIRST_WORD)
    return line.decode(errors="replace").strip() or "a process that is just starting"


def _is_empty_or_ours(descriptor: int) -> bool:
    """A line of ours that is left over is that of a guardian that was killed."""
    content = os.pread(descriptor, _LONGEST_LINE + 1, 0)
    return not content or (content.startswith(_FIRST_WORD) and content.find(b"\n") == len(content) - 1)


def _open(path: str) -> int:
    parent, name = os.path.split(path)
    if path == DEFAULT_PATH:
        with suppress(OSError):  # opening it says what is wrong
            os.mkdir(parent, 0o700)
    try:
        directory = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _must_be_ours_alone(parent, os.fstat(directory))
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            descriptor = os.open(name, flags, 0o600, dir_fd=directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise UnavailableError(f"cannot open the lock {path}: {error.strerror} ({VARIABLE} names another)") from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_nlink != 1:
        os.close(descriptor)
        raise UnavailableError(
            f"the lock {path} is not a regular file of ours with one name; remove it, or name another in {VARIABLE}"
        )
    return descriptor


def _must_be_ours_alone(parent: str, status: os.stat_result) -> None:
    if status.st_uid not in {0, os.geteuid()} or status.st_mode & _OTHERS_MAY_WRITE:
        raise UnavailableError(
            f"the lock cannot be in {parent}: other users can write to that directory; name another in {VARIABLE}"
        )
