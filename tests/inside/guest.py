"""A guest that runs this Python and this hugeresv as its process 1."""

import functools
import json
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import drgn
import prometheus_client
import rich

import hugeresv
from hugeresv.kernels.guest.images import find_image
from hugeresv.kernels.guest.initramfs import initramfs

APPLICATION = "application"
SECONDS = 300
_MEGABYTES = 1024
_NOT_NEEDED = re.compile(
    r"(?:^|/)(?:test|tests|idlelib|tkinter|turtledemo|ensurepip|lib2to3|site-packages|config-[^/]*|pydoc_data)/"
    r"|\.opt-[12]\.pyc$|(?:^|/)(?:_tkinter|_sqlite3|_curses|_curses_panel|_dbm|_gdbm|_test\w*)\.[^/]*\.so$"
)


def _libraries(program: Path) -> Iterator[Path]:
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    yield from (Path(path) for path in re.findall(r"(/\S+) \(0x", told))


def _tree(folder: Path) -> Iterator[tuple[Path, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not _NOT_NEEDED.search(str(path.relative_to(folder))):
            yield path, path.relative_to(folder)


def _of_no_time(path: Path) -> bytes:
    """A file as it is; bytecode of a source that has not changed since, of the time that every file of the archive has.

    Else the guest would compile every module that it imports, which takes half of its time.
    """
    content = path.read_bytes()
    if path.suffix != ".pyc":
        return content
    source = path.parents[1] / f"{path.name.partition('.')[0]}.py"
    magic, flags, seconds, rest = content[:4], content[4:8], content[8:12], content[12:]
    if any(flags) or not source.exists() or int(source.stat().st_mtime) != int.from_bytes(seconds, "little"):
        return content
    return magic + flags + bytes(4) + rest


@functools.cache
def archive(program: str) -> bytes:
    """The initramfs: a Python with its libraries where they are here, hugeresv and click, and one program of ours."""
    python = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}").resolve()
    library = Path(sysconfig.get_paths()["stdlib"]).resolve()
    files = {path: str(path).lstrip("/") for path in (python, *(path for path, _ in _tree(library)))}
    for package in (hugeresv, click, drgn, prometheus_client, rich):
        folder = Path(str(package.__file__)).parent
        files |= {path: f"{APPLICATION}/{folder.name}/{name}" for path, name in _tree(folder)}
    site = Path(str(drgn.__file__)).parents[1]
    beside = (*site.glob("_drgn.*.so"), *site.glob("drgn.libs/*"), *site.glob("_drgn_util/*.py"))
    files |= {path: f"{APPLICATION}/{path.relative_to(site)}" for path in beside}
    for binary in [python, *(path for path in files if ".so" in path.suffixes)]:
        files |= {path: str(path).lstrip("/") for path in _libraries(binary) if site not in path.parents}
    content = {name: _of_no_time(path) for path, name in files.items()}
    here = Path(__file__).parent
    content |= {f"{APPLICATION}/tests/{path}": b"" for path in ("__init__.py", "inside/__init__.py")}
    content |= {f"{APPLICATION}/tests/inside/{path.name}": path.read_bytes() for path in here.glob("*.py")}
    path = f"import sys; sys.path[:0] = ['/{APPLICATION}']"
    content["init"] = f"#!{python} -BI\n{path}\nfrom tests.inside.{program} import main\nmain()\n".encode()
    return initramfs(content)


_TWO_NODES = [
    *("-smp", "2", "-numa", "node,memdev=m0,cpus=0", "-numa", "node,memdev=m1,cpus=1"),
    *(word for each in "01" for word in ("-object", f"memory-backend-ram,id=m{each},size={_MEGABYTES // 2}M")),
]


def run_inside(name: str, program: str = "init") -> dict[str, Any]:
    """Boot the stock kernel guest:NAME and run the program in it: what it found. Raises AssertionError where it fails.

    The program is a module beside this one. `two_nodes` has two NUMA nodes, with a CPU each.
    """
    with tempfile.TemporaryDirectory() as folder:
        initrd, results = Path(folder, "initrd"), Path(folder, "results")
        initrd.write_bytes(archive(program))
        ran = subprocess.run(
            [
                *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max,-cx16,-erms,-fsrm"),
                *(
                    "-machine",
                    "pc",
                    "-nodefaults",
                    "-no-user-config",
                    "-display",
                    "none",
                    "-no-reboot",
                    "-m",
                    f"{_MEGABYTES}M",
                ),
                *(_TWO_NODES if program == "two_nodes" else ()),
                *("-serial", "stdio", "-serial", f"file:{results}", "-kernel", find_image(name).path),
                *("-initrd", initrd, "-append", "console=ttyS0 quiet panic=-1 mitigations=off init_on_alloc=0"),
            ],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        text = results.read_text() if results.exists() else ""
        assert text.strip(), f"guest:{name} said nothing; its last words: {ran.stdout[-3000:]} {ran.stderr[-1000:]}"
        found: dict[str, Any] = json.loads(text)
        assert "traceback" not in found, found.get("traceback")
        return found
