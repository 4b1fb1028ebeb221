"""What sets pools of huge pages when a host starts: kernel parameters, sysctl.d, tmpfiles.d."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hugeresv.errors import InputError
from hugeresv.sources.proc.files import read_if_there
from hugeresv.units import parse_bytes

_SYSCTL = re.compile(r"^\s*-?\s*vm[./]nr_hugepages\s*=\s*([0-9]{1,19})\s*$", re.MULTILINE)
_TMPFILES = re.compile(
    r"^\s*[wf]\S*\s+/sys/kernel/mm/hugepages/hugepages-([0-9]{1,10})kB/nr_hugepages\s+\S+\s+\S+\s+\S+\s+\S+\s+([0-9]{1,19})\s*$",
    re.MULTILINE,
)
_FOLDERS = ("etc", "run", "usr/lib")
"""Of a configuration file of one name the first that has it counts (sysctl.d(5), tmpfiles.d(5))."""
_MOST_BYTES = 1 << 20


class BootSetting(NamedTuple):
    """A pool's size in pages as `where` sets it: a file, or the kernel command line."""

    where: str
    page_bytes: int
    pages: int


def boot_settings(proc_root: str, root: str | None, default_page_bytes: int) -> dict[int, BootSetting]:
    """What counts in the end, by page size in bytes. `root` is where /etc is; None: it cannot be read."""
    found = {}
    for setting in _parameters(read_if_there(f"{proc_root}/cmdline"), default_page_bytes):
        found[setting.page_bytes] = setting
    if root is not None:
        for path, text in _configuration(root, "tmpfiles.d"):
            for size, pages in _TMPFILES.findall(text):
                found[int(size) << 10] = BootSetting(path, int(size) << 10, int(pages))
        for path, text in [*_configuration(root, "sysctl.d"), *_old_sysctl(root)]:
            for pages in _SYSCTL.findall(text):
                found[default_page_bytes] = BootSetting(path, default_page_bytes, int(pages))
    return found


def _parameters(command_line: str, default_page_bytes: int) -> Iterator[BootSetting]:
    """`hugepages=` is of the size that `hugepagesz=` before it names, else the default; `0:4,1:4` is by node (5.16)."""
    size = default_page_bytes
    for word in command_line.split():
        key, _, value = word.partition("=")
        if key in {"hugepagesz", "default_hugepagesz"}:
            try:
                size = parse_bytes(value)
            except InputError:
                continue  # the kernel ignores it, too
        elif key == "hugepages":
            counts = [each.rpartition(":")[2] for each in value.split(",")]
            if all(re.fullmatch("[0-9]{1,19}", count) for count in counts):
                yield BootSetting("the kernel command line", size, sum(map(int, counts)))


def _configuration(root: str, folder: str) -> Iterator[tuple[str, str]]:
    """The files of a folder of each kind in the order in which they are read, as paths of the host, with their text."""
    paths: dict[str, Path] = {}
    for above in _FOLDERS:
        directory = Path(root, above, folder)
        for path in sorted(directory.glob("*.conf")) if directory.is_dir() else []:
            paths.setdefault(path.name, path)
    for name in sorted(paths):
        yield f"/{paths[name].relative_to(root)}", _text(paths[name])


def _old_sysctl(root: str) -> Iterator[tuple[str, str]]:
    path = Path(root, "etc/sysctl.conf")
    if path.is_file():
        yield "/etc/sysctl.conf", _text(path)


def _text(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return file.read(_MOST_BYTES).decode(errors="replace")
