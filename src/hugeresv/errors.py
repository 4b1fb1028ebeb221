"""The errors that are exceptions: bad input, and a place that cannot do what was asked.

A call that a kernel refuses is not among them; that is an `Outcome`.
"""


class HugeresvError(Exception):
    """Base of every error that is reported to a user without a traceback."""

    exit_status = 2


class InputError(HugeresvError):
    """What was given is wrong: says what, where (file, line or step) and what was expected. Exit status 2."""

    exit_status = 2


class ScenarioError(InputError):
    """A scenario that cannot be carried out as written: an unknown name, a name bound twice, an impossible order."""


class UnsupportedError(InputError):
    """An operation or argument that a kernel of ours does not have (yet), named."""


class UnavailableError(HugeresvError):
    """It cannot be done in this place: no privilege, no hugetlb, pool in use, no such kernel. Exit status 3."""

    exit_status = 3
