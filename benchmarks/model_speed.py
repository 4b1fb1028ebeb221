"""Operations per second of the model through the kernel protocol, beside the host kernel with the same scenario.

One private mapping, every page of it touched once, counters read after every step; on one core. Prints the model's rate
for pages in order and at random, and their ratios to the host's rate in the same run.
"""

import sys
import time
from collections.abc import Sequence
from random import Random

from hugeresv.errors import UnavailableError
from hugeresv.kernels.grammar import parse_kernel
from hugeresv.kernels.protocol import Kernel
from hugeresv.scenario.operation import Mmap, Touch
from hugeresv.scenario.scenario import Pool

MODEL_PAGES = 200_000
HOST_PAGES = 2_000


def rate(kernel: Kernel, pages: int, order: Sequence[int]) -> float:
    """Touches per second; best of three."""
    touches = [Touch("p", "m", "write", page) for page in order]
    best = 0.0
    for _ in range(3):
        with kernel.start(Pool(2048, pages)) as session:
            session.apply(Mmap("p", "m", "private", pages=pages))
            begin = time.perf_counter()
            for touch in touches:
                answer = session.apply(touch)
            best = max(best, pages / (time.perf_counter() - begin))
            if (answer.counters.free, answer.counters.rsvd) != (0, 0):
                raise AssertionError(f"{kernel.name}: not every page was consumed: {answer}")
    return best


def main() -> None:
    """Measure and print."""
    model = parse_kernel("6.18")
    shuffled = list(range(MODEL_PAGES))
    Random(0).shuffle(shuffled)
    rates = {
        "model, pages in order": rate(model, MODEL_PAGES, range(MODEL_PAGES)),
        "model, pages at random": rate(model, MODEL_PAGES, shuffled),
    }
    host = None
    try:
        host = rate(parse_kernel("host"), HOST_PAGES, range(HOST_PAGES))
    except UnavailableError as error:
        print(f"host: not measured: {error}", file=sys.stderr)
    print(f"{'':24}{'touches/s':>12}{'x host':>10}")
    for name, value in rates.items():
        print(f"{name:24}{value:12,.0f}{f'{value / host:10.1f}' if host else '         -'}")
    if host:
        print(f"{'host':24}{host:12,.0f}{1:10.1f}")


if __name__ == "__main__":
    main()
