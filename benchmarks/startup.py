"""How long `hugeresv --version` takes, as a multiple of importing its command line library alone.

The two take turns; of each, the quickest run counts. Run it from the environment in which hugeresv is installed.
"""

import subprocess
import sys
from pathlib import Path
from time import perf_counter

RUNS = 40
COMMANDS = {
    "python -c 'import click'": [sys.executable, "-c", "import click"],
    "hugeresv --version": [str(Path(sys.executable).with_name("hugeresv")), "--version"],
}


def seconds(command: list[str]) -> float:
    """Time of one run, from start to end."""
    start = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - start


def main() -> None:
    """Print both times and their ratio."""
    best = dict.fromkeys(COMMANDS, float("inf"))
    for _ in range(RUNS):
        for name, command in COMMANDS.items():
            best[name] = min(best[name], seconds(command))
    for name, least in best.items():
        print(f"{name:28} {least * 1e3:7.1f} ms")
    base, ours = best.values()
    print(f"{'ratio':28} {ours / base:7.2f}")


if __name__ == "__main__":
    main()
