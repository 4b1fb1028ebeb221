"""`hugeresv export`."""

import os
import sys
import tempfile
from functools import partial
from pathlib import Path

import click
from prometheus_client import generate_latest

from hugeresv.cli.exit_status import HELD
from hugeresv.cli.help import examples
from hugeresv.cli.options import proc_option, sys_option
from hugeresv.errors import InputError
from hugeresv.reports.holders import SORT_KEYS
from hugeresv.reports.prometheus import HostCollector
from hugeresv.reports.prometheus_server import parse_address, serve
from hugeresv.status.host import Selection, status_of_host

_READABLE_BY_ALL = 0o644


@click.command(
    epilog=examples("hugeresv export", "hugeresv export -o /tmp/hugeresv.prom", "hugeresv export --listen 9879")
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Put the metrics in the place of FILE, never half of them: for node_exporter, a name that ends in .prom.",
)
@click.option(
    "--listen",
    metavar="[ADDRESS:]PORT",
    help="Answer scrapes over HTTP until SIGTERM or Ctrl-C; on loopback where there is no address.",
)
@click.option(
    "--holders",
    metavar="N",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Series of their own for the N largest holders, the others added up; for N cgroups and mounts, too.",
)
@proc_option
@sys_option
def export(output: Path | None, listen: str | None, holders: int, proc: str, sys_root: str) -> int:
    """Print who holds the huge pages of this host as metrics for Prometheus.

    docs/export.md lists them. Exit status: 0, or 3 where there are no huge pages, or nothing can be listened on.
    """
    if output is not None and listen is not None:
        raise InputError("--output and --listen exclude each other")
    collector = HostCollector(partial(status_of_host, proc, sys_root, Selection(), SORT_KEYS["held"]), holders)
    if listen is not None:
        serve(collector, *parse_address(listen), ready=lambda url: click.echo(f"hugeresv: metrics at {url}", err=True))
    elif output is not None:
        _replace(output, generate_latest(collector))
    else:
        sys.stdout.write(generate_latest(collector).decode())
    return HELD


def _replace(path: Path, content: bytes) -> None:
    """Put a complete file in the place of `path`, from one beside it whose name no collector looks for."""
    if path.exists() and not path.is_file():
        raise InputError(f"cannot write {path}: it is no regular file, and would be replaced by one")
    try:
        descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                os.fchmod(file.fileno(), _READABLE_BY_ALL)
            Path(unfinished).replace(path)
        except BaseException:
            Path(unfinished).unlink()
            raise
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
