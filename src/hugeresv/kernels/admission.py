"""What real kernels do not carry out: a scenario is refused before anything is touched."""

from collections.abc import Iterator

from hugeresv.errors import UnsupportedError
from hugeresv.scenario.decode import caller_of
from hugeresv.scenario.scenario import Scenario, Together

ONE_CALL = (
    *(
        "mmap",
        "touch",
        "munmap",
        "mprotect",
        "madvise",
        "mlock",
        "mlock2",
        "munlock",
        "mremap",
        "ftruncate",
        "fallocate",
    ),
    *("shmat", "shmdt", "shmrm", "close_file", "mbind", "set_mempolicy"),
)
"""Operations that are one system call, or one access to memory, of a process that is there."""


def refuse_at_once(scenario: Scenario) -> None:
    """Raises UnsupportedError for calls at once that are more than one system call each.

    UnavailableError where the orders of the model cannot be followed beside them.
    """
    if any(isinstance(step.operation, Together) for step in scenario.steps):
        import hugeresv.kernels.model.at_once  # noqa: F401  needs a package that not everybody has
    for number, step in enumerate(scenario.steps, 1):
        if isinstance(step.operation, Together) and (why := _too_much(step.operation)):
            raise UnsupportedError(f"step {number}: {why}")


def _too_much(block: Together) -> str | None:
    """What of calls at once is for models alone."""
    if block.switch is not None:
        return "a real kernel chooses the order of calls at once itself; leave out switch="
    if [caller_of(each) for each in block.steps].count(None) > 1:
        return "on a real kernel only one of the calls at once may be of no process"
    makers = [maker for each in block.steps if (maker := getattr(each.operation, "proc", None)) is not None]
    if twice := next((maker for maker in makers if makers.count(maker) > 1), None):
        return f"on a real kernel concurrent calls are of different processes, found two of '{twice}'"
    for each in block.steps:
        if each.operation.op not in ONE_CALL:
            return f"{each.operation.op} cannot be made concurrently with other calls on a real kernel"
        if each.fails is not None:
            return "no allocation of calls at once is made to fail on a real kernel"
    return None


def failing_steps(scenario: Scenario) -> Iterator[int]:
    """The steps, counted from 1, that have an allocation fail."""
    return (number for number, step in enumerate(scenario.steps, 1) if step.fails is not None)
