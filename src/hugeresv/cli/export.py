"""`hugeresv export`."""

import sys
from functools import partial
from pathlib import Path

import click
from prometheus_client import generate_latest

from hugeresv.cli.exit_status import HELD, report_bug, report_warning
from hugeresv.cli.help import examples
from hugeresv.cli.options import proc_option, sys_option
from hugeresv.cli.output_file import replace_output
from hugeresv.cli.streams import say
from hugeresv.errors import InputError
from hugeresv.holders.host import Selection, status_of_host
from hugeresv.reports.holders import SORT_KEYS
from hugeresv.reports.prometheus import HostCollector
from hugeresv.reports.prometheus_server import parse_address, serve
from hugeresv.reports.shipped_files import DASHBOARD, RULES, UNITS, shipped


@click.command(
    epilog=examples(
        "hugeresv export",
        "hugeresv export -o hugeresv.prom",
        "hugeresv export --listen 9879",
        "hugeresv export --print-rules",
        "hugeresv export --print-unit hugeresv-export.service",
    )
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Replace FILE atomically with the metrics. node_exporter reads files that end in .prom.",
)
@click.option(
    "--listen",
    metavar="[ADDRESS:]PORT",
    help="Serve metrics over HTTP until SIGTERM or Ctrl-C; without ADDRESS, on loopback only.",
)
@click.option(
    "--holders",
    metavar="N",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Give the N largest holders, cgroups and mounts a series each, and add up the others.",
)
@click.option("--print-rules", is_flag=True, help="Print alert rules for Prometheus, and nothing else.")
@click.option("--print-dashboard", is_flag=True, help="Print a dashboard for Grafana as JSON, and nothing else.")
@click.option(
    "--print-unit",
    metavar="UNIT",
    type=click.Choice(UNITS),
    help=f"Print one of these systemd units, and nothing else: {', '.join(UNITS)}.",
)
@proc_option
@sys_option
def export(
    output: Path | None,
    listen: str | None,
    holders: int,
    print_rules: bool,
    print_dashboard: bool,
    print_unit: str | None,
    proc: str,
    sys_root: str,
) -> int:
    """Print who holds the huge pages of this host as metrics for Prometheus.

    Exit status: 0, or 3 if the host has no huge pages or the address cannot be listened on.
    """
    printed = [RULES] * print_rules + [DASHBOARD] * print_dashboard + ([print_unit] if print_unit else [])
    if len(printed) + (output is not None) + (listen is not None) > 1:
        raise InputError("--output, --listen, --print-rules, --print-dashboard and --print-unit exclude each other")
    if printed:
        sys.stdout.write(shipped(printed[0], sys.executable))
        return HELD
    collector = HostCollector(partial(status_of_host, proc, sys_root, Selection(), SORT_KEYS["held"]), holders)
    if listen is not None:
        serve(
            collector,
            *parse_address(listen),
            ready=lambda url: say(f"hugeresv: metrics at {url}\n"),
            complain=report_warning,
            on_bug=report_bug,
        )
    elif output is not None:
        replace_output(output, generate_latest(collector))
    else:
        sys.stdout.write(generate_latest(collector).decode())
    return HELD
