"""`hugeresv status`."""

import sys
from functools import partial
from pathlib import Path

import click

from hugeresv.cli.exit_status import CONTRADICTED, HELD
from hugeresv.cli.help import examples
from hugeresv.cli.options import CgroupPath, color_option, proc_option, sys_option
from hugeresv.cli.terminal import Colour, require_terminal, standard_output
from hugeresv.errors import InputError
from hugeresv.holders.grouping import GROUPINGS
from hugeresv.holders.host import Selection, status_of_host
from hugeresv.holders.selection import existing
from hugeresv.reports.holders import COLUMNS, SHOWN, SORT_KEYS, Shown
from hugeresv.reports.status import show_status
from hugeresv.units import parse_bytes


@click.command(
    epilog=examples(
        "hugeresv status --by process",
        "hugeresv status --json",
        "hugeresv status --html pool.html",
        "hugeresv status --no-headings -o PIDS,RESERVED",
    )
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, hugeresv-status/1, and nothing else.")
@click.option(
    "-o",
    "--output",
    metavar="COLUMNS",
    help=(f"Show these columns of the holders, separated by commas: {', '.join(COLUMNS)}."),
)
@click.option(
    "--sort", type=click.Choice(list(SORT_KEYS)), default="held", show_default=True, help=("Sort the holders by this.")
)
@click.option("--by", type=click.Choice(list(GROUPINGS)), help="Show sums by process, user, cgroup or file.")
@click.option("--each", is_flag=True, help="Show a row for each file and mapping, even if there are many alike.")
@click.option("--no-headings", is_flag=True, help="Leave out the headings; with -o or --by print only that table.")
@click.option("--bytes", "in_bytes", is_flag=True, help="Show exact bytes instead of pages.")
@click.option("--size", metavar="SIZE", help="Show only this page size, such as 2M, 1GiB, 2048kB or hugepages-2Mi.")
@click.option("--pid", type=int, help="Show only holders that this process maps or has open.")
@click.option(
    "--cgroup", metavar="PATH", type=CgroupPath(), help="Show only holders of processes in this cgroup or below it."
)
@click.option(
    "--watch",
    metavar="[SECONDS]",
    type=click.FloatRange(min=0.1),
    is_flag=False,
    flag_value=2.0,
    help="Show the report in the whole terminal and refresh it every SECONDS (2 by default) until q is pressed.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    metavar="PAGE",
    help="Replace the file PAGE with a picture of the pools and their holders; print nothing.",
)
@click.option(
    "--advice", is_flag=True, help=("Show what sets the pools at boot, and what to write into which file to keep them.")
)
@proc_option
@sys_option
@color_option
def status(
    as_json: bool,
    output: str | None,
    sort: str,
    by: str | None,
    each: bool,
    no_headings: bool,
    in_bytes: bool,
    size: str | None,
    pid: int | None,
    cgroup: str | None,
    watch: float | None,
    html: Path | None,
    advice: bool,
    proc: str,
    sys_root: str,
    color: Colour,
) -> int:
    """Show who holds the huge pages of this host, and which pages have no visible holder.

    RESERVED pages are promised and not yet taken; no file in /proc shows them. AVAILABLE pages are those that a new
    mapping can still reserve.

    Exit status: 0, or 1 if the kernel counts wrong, 3 if the host has no huge pages; with --watch always 0.
    """
    others = {"--json": as_json, "--watch": watch is not None, "--advice": advice, "-o": output, "--by": by}
    if html is not None and any(others.values()):
        raise InputError(f"--html and {next(name for name, given in others.items() if given)} exclude each other")
    if advice:
        if watch is not None:
            raise InputError("--watch and --advice exclude each other")
        from hugeresv.holders.advice import advice_for
        from hugeresv.reports.advice import show_advice, write_advice

        found_advice = advice_for(proc, sys_root)
        write_advice(sys.stdout, found_advice) if as_json else show_advice(standard_output(color), found_advice)
        return HELD
    shown = Shown(_columns(output), sort, not no_headings, in_bytes, by, each)
    if output is not None and by is not None:
        raise InputError("-o chooses columns of holders, --by prints sums: give one of them")
    selection = Selection(None if size is None else parse_bytes(size), pid, cgroup)
    look = partial(status_of_host, proc, sys_root, existing(selection, proc, sys_root), SORT_KEYS[sort])
    if watch is not None:
        if as_json:
            raise InputError("--watch and --json exclude each other")
        require_terminal("--watch")
        from hugeresv.reports.watch import StatusView

        StatusView(look, look(), watch, shown, colour=standard_output(color).colour).run(mouse=False)
        return HELD
    found = look()
    if html is not None:
        from hugeresv.cli.output_file import replace_output
        from hugeresv.reports.html.status import status_page

        replace_output(html, status_page(found, each=each).encode(errors="backslashreplace"))
    elif as_json:
        from hugeresv.reports.status_json import write_status

        write_status(sys.stdout, found, by)
    else:
        alone = no_headings and (output is not None or by is not None)
        show_status(standard_output(color), found, shown, alone=alone)
    return CONTRADICTED if found.wrong else HELD


def _columns(output: str | None) -> list[str]:
    if output is None:
        return list(SHOWN)
    columns = output.upper().split(",")
    for column in columns:
        if column not in COLUMNS:
            raise InputError(f"there is no column {column!r}; there are {', '.join(COLUMNS)}")
    return columns
