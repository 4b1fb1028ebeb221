"""`hugeresv fit`."""

import sys

import click

from hugeresv.cli.exit_status import CONTRADICTED, HELD
from hugeresv.cli.help import examples
from hugeresv.cli.options import CgroupPath, MountedPath, color_option, proc_option, sys_option
from hugeresv.cli.terminal import Colour, standard_output
from hugeresv.errors import InputError
from hugeresv.fit.fit import fit_on_host
from hugeresv.fit.query import Query
from hugeresv.fit.situation import What
from hugeresv.reports.fit import show_fit
from hugeresv.reports.fit_json import write_fit
from hugeresv.units import parse_bytes


@click.command(
    epilog=examples("hugeresv fit 64G", "hugeresv fit 512M --shared --pid 1", "hugeresv fit 2GiB --node 0 --json")
)
@click.argument("size", metavar="SIZE")
@click.option("--page-size", metavar="SIZE", help="The huge page size; else the default one, or the mount's.")
@click.option("--private", "what", flag_value=What.PRIVATE, type=What, help="A private mapping, as without --mount.")
@click.option("--shared", "what", flag_value=What.SHARED, type=What, help="A shared mapping, as with --mount.")
@click.option("--sysv", "what", flag_value=What.SYSV, type=What, help="A SysV segment: shmget with SHM_HUGETLB.")
@click.option("--noreserve", is_flag=True, help="With MAP_NORESERVE: nothing is promised, pages come as touched.")
@click.option(
    "--cgroup", metavar="PATH", type=CgroupPath(), help="In this cgroup, as /proc/PID/cgroup has it, or a directory."
)
@click.option("--mount", metavar="PATH", type=MountedPath(), help="Of a new file in this directory of a hugetlbfs.")
@click.option("--node", "nodes", metavar="N", type=int, multiple=True, help="Bound to this NUMA node, or several.")
@click.option("--pid", type=int, help="As this process would: its cgroup, nodes, user, groups and mounts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, hugeresv-fit/1, and nothing else.")
@proc_option
@sys_option
@color_option
def fit(
    size: str,
    page_size: str | None,
    what: What | None,
    noreserve: bool,
    cgroup: str | None,
    mount: str | None,
    nodes: tuple[int, ...],
    pid: int | None,
    as_json: bool,
    proc: str,
    sys_root: str,
    color: Colour,
) -> int:
    """Tell whether a mapping of SIZE would fit now, where it would fail, and what makes it fit.

    SIZE is in any spelling: 64G, 2GiB, 2048kB. The live counters and limits are put into the model, and the mapping is
    made there, under the rules of the kernel closest to this one. Exit status: 0 if it fits, 1 if not, 2 for bad input,
    3 where it cannot be known.
    """
    size_bytes = parse_bytes(size)
    if size_bytes == 0:
        raise InputError("a mapping of 0 bytes is EINVAL: give a SIZE of at least a byte")
    if mount is not None and what is What.SYSV:
        raise InputError("a SysV segment is on no mount: give --mount or --sysv, not both")
    page_bytes = None if page_size is None else parse_bytes(page_size)
    query = Query(size_bytes, page_bytes, what, noreserve, cgroup, mount, frozenset(nodes), pid)
    found = fit_on_host(proc, sys_root, query)
    if as_json:
        write_fit(sys.stdout, found)
    else:
        show_fit(standard_output(color), found)
    return HELD if found.fits else CONTRADICTED
