"""`hugeresv fit`."""

import sys

import click

from hugeresv.cli.exit_status import CONTRADICTED, HELD
from hugeresv.cli.help import examples
from hugeresv.cli.options import CgroupPath, MountedPath, color_option, proc_option, sys_option
from hugeresv.cli.terminal import Colour, standard_output
from hugeresv.errors import InputError
from hugeresv.fitting.forecast import forecast_on_host
from hugeresv.fitting.situation import Query, What
from hugeresv.reports.fit import show_fit
from hugeresv.reports.fit_json import write_fit
from hugeresv.units import parse_bytes, parse_size


@click.command(
    epilog=examples("hugeresv fit 64G", "hugeresv fit 512M --shared --pid 1", "hugeresv fit 106M 124M 160M --json")
)
@click.argument("sizes", metavar="SIZE...", nargs=-1, required=True)
@click.option("--page-size", metavar="SIZE", help="Use huge pages of this size instead of the default, or the mount's.")
@click.option(
    "--private", "what", flag_value=What.PRIVATE, type=What, help="Make a private mapping, the default without --mount."
)
@click.option(
    "--shared", "what", flag_value=What.SHARED, type=What, help="Make a shared mapping, the default with --mount."
)
@click.option("--sysv", "what", flag_value=What.SYSV, type=What, help="Make a SysV segment: shmget with SHM_HUGETLB.")
@click.option(
    "--noreserve",
    is_flag=True,
    help=("Use MAP_NORESERVE: nothing is promised, and each page is taken when it is touched."),
)
@click.option(
    "--cgroup",
    metavar="PATH",
    type=CgroupPath(),
    help="Apply the limits of this cgroup: a path as in /proc/PID/cgroup, or a directory.",
)
@click.option("--mount", metavar="PATH", type=MountedPath(), help="Map a new file in this hugetlbfs directory.")
@click.option(
    "--node",
    "nodes",
    metavar="N",
    type=int,
    multiple=True,
    help="Bind the process to this NUMA node (MPOL_BIND); may be repeated.",
)
@click.option("--bind-after", is_flag=True, help="Bind each mapping to --node after mmap, as QEMU and DPDK do.")
@click.option(
    "--pid", type=int, help=("Answer for this process, with its cgroup, nodes, user, groups, limits and mounts.")
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, hugeresv-fit/1, and nothing else.")
@proc_option
@sys_option
@color_option
def fit(
    sizes: tuple[str, ...],
    page_size: str | None,
    what: What | None,
    noreserve: bool,
    cgroup: str | None,
    mount: str | None,
    nodes: tuple[int, ...],
    bind_after: bool,
    pid: int | None,
    as_json: bool,
    proc: str,
    sys_root: str,
    color: Colour,
) -> int:
    """Tell whether a mapping of SIZE would fit now, where it would fail, and what makes it fit.

    SIZE is a number with a unit (64G, 1.5G, 2GiB, 2048kB) or a number of huge pages (70p). Several sizes are mappings
    that are made one after the other. hugeresv copies this host's counters and limits into the model, makes the
    mappings there, and touches every page, under the rules of the kernel closest to this one.

    Exit status: 0 if all fit, 1 if not, 2 if the input is wrong, 3 if it cannot be known.
    """
    asked = tuple(map(parse_size, sizes))
    if any(size.number == 0 for size in asked):
        raise InputError("a mapping of 0 bytes is EINVAL: give a SIZE of at least a byte")
    if mount is not None and what is What.SYSV:
        raise InputError("a SysV segment is on no mount: give --mount or --sysv, not both")
    if bind_after and not nodes:
        raise InputError("--bind-after needs --node: it binds each mapping to these nodes after mmap")
    page_bytes = None if page_size is None else parse_bytes(page_size)
    query = Query(asked, page_bytes, what, noreserve, cgroup, mount, frozenset(nodes), bind_after, pid)
    found = forecast_on_host(proc, sys_root, query)
    if as_json:
        write_fit(sys.stdout, found, pid, mount)
    else:
        show_fit(standard_output(color), found)
    return HELD if found.fits else CONTRADICTED
