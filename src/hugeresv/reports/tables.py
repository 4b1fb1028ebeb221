"""Tables, laid out by rich as the screen allows."""

from rich.console import Console
from rich.table import Table

from hugeresv.reports.screen import Screen


def print_table(screen: Screen, table: Table) -> None:
    """Write a table, no wider than the screen."""
    console = Console(
        file=screen.stream,
        width=screen.width,
        force_terminal=screen.colour,
        color_system="standard" if screen.colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    with console.capture() as capture:
        console.print(table)
    for line in capture.get().splitlines():
        screen.line(line)
