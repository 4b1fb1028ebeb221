"""`hugeresv audit`."""

import sys
from pathlib import Path

import click

from hugeresv.auditing.audit import audit_target
from hugeresv.cli.exit_status import CONTRADICTED, HELD
from hugeresv.cli.help import examples
from hugeresv.cli.options import color_option
from hugeresv.cli.terminal import Colour, standard_output
from hugeresv.reports.audit import show_audit
from hugeresv.reports.audit_json import write_audit


@click.command(epilog=examples("hugeresv audit vmcore", "hugeresv audit --json guest.ram"))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, hugeresv-audit/1, and nothing else.")
@click.option(
    "--vmlinux",
    type=click.Path(path_type=Path),
    help=("Read types from this vmlinux with DWARF, instead of from the kernel's BTF."),
)
@click.option(
    "--symbols",
    type=click.Path(path_type=Path),
    help=("Read symbols from this System.map or copy of /proc/kallsyms; needed before Linux 6.0."),
)
@color_option
@click.argument("target", metavar="[TARGET]", type=click.Path(path_type=Path), required=False)
def audit(as_json: bool, vmlinux: Path | None, symbols: Path | None, color: Colour, target: Path | None) -> int:
    """Read a kernel's reservation maps from its memory, and tell whether its ledger is true.

    TARGET is a dump (ELF or kdump, flattened or not) or the shared RAM file of a running guest. Without TARGET, this
    host's kernel is read (/proc/kcore).

    Exit status: 0 true, 1 not true, 2 TARGET is missing or not a dump, 3 it cannot be read here.
    """
    found = audit_target(target, symbols, vmlinux)
    if as_json:
        write_audit(sys.stdout, found)
    else:
        show_audit(standard_output(color), found)
    return HELD if found.true else CONTRADICTED
