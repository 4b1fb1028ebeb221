"""A session of the model that times operations, and fails when one does not answer as it should."""

import time
import tracemalloc
from collections.abc import Callable, Iterable
from statistics import median

from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model.presets import PRESETS
from hugeresv.outcome import Outcome
from hugeresv.scenario.operation import Operation
from hugeresv.scenario.scenario import Pool

OK = Outcome.OK


class Bench:
    """A machine with a pool of `pages` huge pages of 2 MiB, ruled by 6.18."""

    def __init__(self, pages: int = 5_000_000) -> None:
        """A fresh machine."""
        self.session = ModelKernel(PRESETS["6.18"]).start(Pool(2048, pages))
        self.machine = self.session.machine

    def do(self, *operations: Operation, answer: Outcome = OK) -> None:
        """Carry out operations, each of which must answer `answer`."""
        for operation in operations:
            got = self.session.apply(operation).outcome
            assert got is answer, f"{operation} answered {got} instead of {answer}"

    def seconds(self, operation: Operation, answer: Outcome = OK) -> float:
        """CPU time of one operation, which must answer `answer`."""
        apply = self.session.apply
        begin = time.process_time()
        got = apply(operation).outcome
        taken = time.process_time() - begin
        assert got is answer, f"{operation} answered {got} instead of {answer}"
        return taken

    def median(self, operations: Iterable[Operation], *after: Operation) -> float:
        """Microseconds: the median over operations; `after` each one `after` is carried out, and not timed."""
        samples = []
        for operation in operations:
            samples.append(self.seconds(operation))
            self.do(*after)
        return 1e6 * median(samples)


def microseconds(action: Callable[[], object], times: int = 3) -> float:
    """CPU time of an action; best of `times`."""
    samples = []
    for _ in range(times):
        begin = time.process_time()
        action()
        samples.append(time.process_time() - begin)
    return 1e6 * min(samples)


def memory_bytes(action: Callable[[], object]) -> int:
    """What an action allocates and its result, which is kept until then, still holds."""
    tracemalloc.start()
    kept = action()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return used
