"""Every verb that reads /proc and /sys, on trees with a damaged file: a copy of a host may hold anything."""

import shutil
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from hugeresv.cli.verbs import cli
from hugeresv.errors import HugeresvError
from tests.mutated import cases, mutated
from tests.sources.trees import add_pool, add_process, make_host

CASES = 600
VERBS = [
    ["status"],
    ["status", "--json"],
    ["status", "-o", "name,command,cgroup,pids", "--bytes"],
    ["status", "--advice"],
    ["status", "--cgroup", "/some"],
    ["status", "--pid", "7"],
    ["export"],
    ["fit", "2M"],
    ["fit", "1G", "--cgroup", "/some/db"],
    ["fit", "64M", "--pid", "7"],
    ["fit", "4M", "--sysv", "--json"],
    ["fit", "4M", "--node", "0"],
    ["fit", "4M", "--page-size", "1G"],
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A host with two page sizes, two nodes, cgroups, segments, and a process of each kind of mapping."""
    root = tmp_path / "host"
    make_host(root, nr=20, free=8, resv=3)
    add_pool(root, 1 << 20, nr=1, free=1)
    names = [
        b"/anon_hugepage (deleted)",
        b"/memfd:guest ram (deleted)",
        b"/dev/hugepages/f x",
        b"/SYSV0000002a (deleted)",
    ]
    for pid, name in enumerate(names, 7):
        add_process(root, pid, name=name, inode=pid - 4, flags=" nr" if pid == 9 else "")
        _dress(root / f"proc/{pid}", shared=pid > 7, device=b"00:2a" if pid == 9 else b"00:10")
    shutil.copytree(root / "proc/7", root / "proc/self", dirs_exist_ok=True)
    _add_system(root)
    return root


def _dress(process: Path, *, shared: bool, device: bytes) -> None:
    """What a process has beside its mappings."""
    for name in ("maps", "smaps"):
        content = (process / name).read_bytes().replace(b" 00:10 ", b" %s " % device)
        (process / name).write_bytes(content.replace(b"rw-p", b"rw-s" if shared else b"rw-p", 1))
    status = "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t0 \nVmSize:\t 9000 kB\nVmRSS:\t10 kB\nVmLck:\t0 kB\n"
    (process / "status").write_text(f"Name:\tx\n{status}CapEff:\t000001ffffffffff\nMems_allowed_list:\t0-1\n")
    (process / "comm").write_text("sleep\n")
    (process / "uid_map").write_text("0 0 4294967295\n")
    (process / "numa_maps").write_text("400000 bind:0-1 file=/x\n")
    options = "rw,pagesize=2M,size=20971520,min_size=4194304"
    (process / "mountinfo").write_text(f"30 20 0:42 / /dev/hugepages rw shared:1 - hugetlbfs none {options}\n")


def _add_system(root: Path) -> None:
    columns = "key shmid perms size cpid lpid nattch uid gid cuid cgid atime dtime ctime rss swap"
    rows = "42 3 600 8388608 1 1 1 0 0 0 0 0 0 0 2097152 0\n43 4 600 4194304 1 1 0 0 0 0 0 0 0 0 0 0\n"
    files = {
        "proc/sysvipc/shm": f"{columns}\n{rows}",
        "proc/meminfo": "MemTotal: 16000000 kB\nMemFree: 8000000 kB\nMemAvailable: 9000000 kB\nHugepagesize: 2048 kB\n",
        "proc/sys/kernel/osrelease": "6.18.44\n",
        "proc/sys/kernel/shmmax": "18446744073692774399\n",
        "proc/sys/kernel/shmall": "18446744073692774399\n",
        "proc/sys/kernel/shmmni": "4096\n",
        "proc/sys/vm/hugetlb_shm_group": "0\n",
        "proc/sys/vm/min_free_kbytes": "67584\n",
        "proc/cmdline": "quiet hugepagesz=2M hugepages=20\n",
        "sys/devices/system/node/online": "0-1\n",
        "sys/fs/cgroup/cgroup.controllers": "hugetlb\n",
    }
    for node in (0, 1):
        base = f"sys/devices/system/node/node{node}"
        files[f"{base}/meminfo"] = f"Node {node} MemTotal: 8000000 kB\nNode {node} MemFree: 4000000 kB\n"
        for name, count in (("nr", 10), ("free", 4), ("surplus", 0)):
            files[f"{base}/hugepages/hugepages-2048kB/{name}_hugepages"] = f"{count}\n"
    for cgroup in ("some", "some/db"):
        for name, value in (("max", 41943040), ("rsvd.max", "max"), ("current", 4194304), ("rsvd.current", 6291456)):
            files[f"sys/fs/cgroup/{cgroup}/hugetlb.2MB.{name}"] = f"{value}\n"
        files[f"sys/fs/cgroup/{cgroup}/cgroup.procs"] = ""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


def _damage(path: Path, content: bytes, rng: Random) -> str:
    """Damage one file; what was done."""
    kind = rng.choice(["gone", "directory", "loop", *["content"] * 20])
    path.unlink()
    if kind == "directory":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "content":
        path.write_bytes(damaged := mutated(content, rng))
        return repr(damaged)
    return kind


def _restore(path: Path, content: bytes) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
    path.write_bytes(content)


@pytest.mark.timeout(300)
def test_a_damaged_file_ends_no_verb(tree: Path) -> None:
    """Whatever a file has, a verb answers with the rest or with an error, in printable characters.

    Catches: a reader that takes what the kernel would not write for granted.
    """
    contents = {path: path.read_bytes() for path in sorted(tree.rglob("*")) if path.is_file()}
    failures = []
    for number, rng in cases(CASES):
        chosen = rng.sample(list(contents), rng.choice([1, 1, 1, 2]))
        done = {str(path.relative_to(tree)): _damage(path, contents[path], rng) for path in chosen}
        verb = [*rng.choice(VERBS), "--proc", f"{tree}/proc", "--sys", f"{tree}/sys"]
        result = CliRunner().invoke(cli, verb, standalone_mode=False)
        said = result.output
        if result.exception is not None:
            said += str(result.exception)
            if not isinstance(result.exception, HugeresvError):
                failures.append((number, verb[:2], done, repr(result.exception)))
        if not said.replace("\n", "").isprintable():
            failures.append((number, verb[:2], done, repr(said)))
        for path in chosen:
            _restore(path, contents[path])
    assert failures == []


def test_the_tree_itself_is_sound(tree: Path) -> None:
    """Every verb reads the tree that is damaged elsewhere, and leaves nothing of it unread.

    Catches: a tree that every verb refuses, so that no damage is ever read.
    """
    for verb in VERBS:
        result = CliRunner().invoke(cli, [*verb, "--proc", f"{tree}/proc", "--sys", f"{tree}/sys"])
        assert result.exit_code in {0, 1}, result.output
        assert "Not read: the mappings" not in result.output
