"""The catalogue of behaviours and switches, whole or one entry of it, for people and as JSON."""

import json
from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.table import Table
from rich.text import Text

from hugeresv.kernels.catalogue import SwitchEntry, settings
from hugeresv.model.behaviour import Behaviour
from hugeresv.reports.screen import Screen
from hugeresv.reports.tables import print_table


def show_catalogue(screen: Screen, behaviours: Iterable[Behaviour], switches: Iterable[SwitchEntry]) -> None:
    """All behaviours, then all switches with their values and sources."""
    screen.paragraph("Behaviours, oldest kernel first, and what each was checked against:", bold=True)
    table = _table("behaviour", "checked against")
    for behaviour in behaviours:
        table.add_row(behaviour.name, behaviour.verified)
    print_table(screen, table)
    screen.line()
    screen.paragraph("Switches: their value in ideal, and where they have another, with the source:", bold=True)
    table = _table("switch", "ideal", "elsewhere")
    for entry in switches:
        others = [
            f"{value}: {' '.join(names)}" for value, names in entry.values.items() if names and value != entry.ideal
        ]
        elsewhere = "\n".join(others or ["(in no behaviour here)"])
        table.add_row(entry.name, entry.ideal, Text(elsewhere) + Text(f"\n[{entry.source}]", style="dim"))
    print_table(screen, table)
    screen.line()
    screen.paragraph("`hugeresv behaviours NAME` shows one behaviour or switch in detail.")


def show_behaviour(screen: Screen, behaviour: Behaviour, switches: Iterable[SwitchEntry]) -> None:
    """One behaviour: what it was checked against, and the switches in which it is not ideal."""
    screen.paragraph(behaviour.name, bold=True)
    screen.paragraph(f"checked against: {behaviour.verified}")
    values = settings(behaviour)
    same = []
    for entry in switches:
        if values[entry.name] == entry.ideal:
            same.append(f"{entry.name}={entry.ideal}")
        else:
            screen.line()
            _show_switch(screen, entry, values[entry.name])
    screen.line()
    screen.paragraph(f"as in ideal: {', '.join(same) or 'nothing'}", "  ", first="")


def show_switch(screen: Screen, entry: SwitchEntry) -> None:
    """One switch: what it does, and who has which value."""
    _show_switch(screen, entry, "|".join(entry.values))
    for value, names in entry.values.items():
        ideal = " (as ideal)" if value == entry.ideal else ""
        screen.paragraph(f"{value}{ideal}: {' '.join(names) or 'no behaviour here'}", "    ", first="  ")


def write_json(stream: TextIO, behaviours: Iterable[Behaviour], switches: Sequence[SwitchEntry]) -> None:
    """The same as one JSON object."""
    catalogue = {
        "behaviours": {
            behaviour.name: {"verified": behaviour.verified, "switches": settings(behaviour)}
            for behaviour in behaviours
        },
        "switches": {
            entry.name: {key: value for key, value in entry._asdict().items() if key != "name"} for entry in switches
        },
    }
    json.dump(catalogue, stream, indent=2)
    stream.write("\n")


def _show_switch(screen: Screen, entry: SwitchEntry, value: str) -> None:
    screen.paragraph(f"{entry.name}={value}", bold=True)
    for label in ("differs", "since", "source", "verified"):
        screen.paragraph(f"{label + ':':<10}{getattr(entry, label)}", " " * 12, first="  ")


def _table(*titles: str) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, overflow="fold")
    return table
