"""What a real system call's errno, or the signal that a memory access raised, is called in scenarios."""

import errno
import signal
from collections.abc import Mapping

from hugeresv.errors import UnavailableError, UnsupportedError
from hugeresv.outcome import Outcome

_NEW = {Outcome.EHWPOISON: 133, Outcome.EFTYPE: 134}
"""Errnos for which only newer Pythons have a name."""

_OF_ERRNO: Mapping[int, Outcome] = {0: Outcome.OK} | {
    _NEW[outcome] if outcome in _NEW else getattr(errno, outcome): outcome
    for outcome in Outcome
    if outcome.startswith("E")
}
_OF_SIGNAL: Mapping[int, Outcome] = {
    0: Outcome.OK,
    signal.SIGBUS: Outcome.SIGBUS,
    signal.SIGSEGV: Outcome.SIGSEGV,
}


def outcome_of_errno(number: int) -> Outcome:
    """The outcome of a call; 0 is success. Raises UnsupportedError for an errno that scenarios have no word for."""
    if number not in _OF_ERRNO:
        raise UnsupportedError(
            f"the kernel answered {errno.errorcode.get(number, number)}, for which there is no outcome"
        )
    return _OF_ERRNO[number]


def outcome_of_signal(number: int) -> Outcome:
    """The outcome of a touch; 0 is no signal. Raises UnavailableError for one that no access to memory raises."""
    if number not in _OF_SIGNAL:
        raise UnavailableError(f"a touch was ended from outside, by signal {number}")
    return _OF_SIGNAL[number]
