"""How long commands take to start, as multiples of importing their command line library alone.

CPU time of the whole process. The commands take turns; of each, the quickest run counts. Run it from the environment in
which hugeresv is installed, in the checkout.
"""

import resource
import subprocess
import sys
from pathlib import Path

RUNS = 20
HUGERESV = str(Path(sys.executable).with_name("hugeresv"))
COMMANDS = {
    "import click": [sys.executable, "-c", "import click"],
    "--version": [HUGERESV, "--version"],
    "status": [HUGERESV, "status"],
    "fit": [HUGERESV, "fit", "2M"],
    "run": [HUGERESV, "run", "scenarios/split-middle.scn"],
    "run --json": [HUGERESV, "run", "--json", "scenarios/split-middle.scn"],
}


def seconds(command: list[str]) -> float:
    """CPU time of one run, from start to end, whatever its exit status says of this host."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print each time and its ratio to the first."""
    best = dict.fromkeys(COMMANDS, float("inf"))
    for _ in range(RUNS):
        for name, command in COMMANDS.items():
            best[name] = min(best[name], seconds(command))
    base, *_ = best.values()
    print(f"{'command':14}{'ms':>8}{'ratio':>8}")
    for name, least in best.items():
        print(f"{name:14}{least * 1e3:8.1f}{least / base:8.2f}")


if __name__ == "__main__":
    main()
