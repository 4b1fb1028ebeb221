"""Options and arguments that several verbs have."""

from glob import escape
from math import isnan
from pathlib import Path

import click
from click.shell_completion import CompletionItem


class KernelName(click.ParamType[str]):
    """The name of a kernel, kept as it is: `kernels.grammar` reads it. Completes to behaviours, `host` and guests."""

    name = "kernel"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Kernels that begin so."""
        from hugeresv.kernels.grammar import GUEST, known_kernels
        from hugeresv.kernels.guest.listing import guest_names

        names = (*known_kernels(), *(f"{GUEST}{name}" for name in guest_names()))
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class Seconds(click.FloatRange):
    """A number of seconds, 0 or more."""

    def __init__(self) -> None:
        super().__init__(0)

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. `nan`, which no clock ever reaches, is none."""
        seconds: float = super().convert(value, param, ctx)
        if isnan(seconds):
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        return seconds


class CgroupPath(click.ParamType[str]):
    """A cgroup, by its path in the hierarchy. Completes to those that there are, a level at a time."""

    name = "path"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Cgroups below the one that is complete, which begin so."""
        from hugeresv.holders.selection import cgroups_below

        sys_root = str(ctx.params.get("sys_root") or "/sys")
        found = cgroups_below(sys_root, incomplete[: incomplete.rfind("/") + 1])
        return [CompletionItem(path) for path in found if path.startswith(incomplete)]


class MountedPath(click.ParamType[str]):
    """A directory on a hugetlbfs. Completes to where one is mounted."""

    name = "path"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Mounts whose path begins so."""
        from hugeresv.sources.proc.mountinfo import read_mountinfo
        from hugeresv.sources.proc.mounts import FILE_SYSTEM

        proc_root = str(ctx.params.get("proc") or "/proc")
        try:
            mounts = read_mountinfo(f"{proc_root}/self/mountinfo", FILE_SYSTEM)
        except OSError:
            return []
        return [CompletionItem(mount.path) for mount in mounts if mount.path.startswith(incomplete)]


class ScenarioPath(click.Path):
    """A scenario file or a folder of them, by its path or by the name of one that comes with hugeresv."""

    name = "file"

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Packaged scenarios and files that begin so. The shell, which knows files best, has them where no name fits.

        Shells show either what we list or files of their own: where both begin so, files are listed here.
        """
        from hugeresv.scenario.packaged import SUFFIXES, packaged

        level = incomplete.count("/")
        names = [name for name in packaged() if name.startswith(incomplete) and name.count("/") == level]
        if not names:
            return super().shell_complete(ctx, param, incomplete)
        here = sorted(Path().glob(f"{escape(incomplete)}*")) if not level else []
        files = [
            f"{path}/" if path.is_dir() else str(path) for path in here if path.is_dir() or path.suffix in SUFFIXES
        ]
        return [CompletionItem(name) for name in (*names, *files)]


KERNEL_HELP = (
    "Run on this kernel: a behaviour of the model (`hugeresv behaviours` lists them), `host`, or `guest:NAME`."
)

on_kernel = click.option(
    "--on", "kernel_name", metavar="KERNEL", type=KernelName(), default="ideal", show_default=True, help=KERNEL_HELP
)

files_argument = click.argument("files", metavar="FILE...", type=ScenarioPath(), nargs=-1, required=True)

color_option = click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Use colour; auto means on a terminal. NO_COLOR in the environment turns it off.",
)

html_option = click.option(
    "--html",
    type=click.Path(path_type=Path),
    metavar="PAGE",
    help="Replace the file PAGE with a page to step through in a browser; print only the result.",
)

proc_option = click.option(
    "--proc", default="/proc", show_default=True, help=("Read the host's /proc from here; it may be a copy.")
)

sys_option = click.option(
    "--sys", "sys_root", default="/sys", show_default=True, help="Read the host's /sys from here; it may be a copy."
)
