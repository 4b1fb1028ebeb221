"""`hugeresv status --advice`: what sets the pools at boot, and what would."""

import json
from pathlib import Path

import pytest

from hugeresv.holders.advice import BootAdvice, advice_for
from hugeresv.sources.proc.boot import BootSetting, boot_settings
from tests.holders.test_status import run
from tests.sources.trees import add_node, add_pool, make_host

M2, G1 = 2 << 20, 1 << 30


def settings(root: Path, command_line: str = "", **files: str) -> dict[int, BootSetting]:
    """Of a host whose files are given by path, `__` for each slash."""
    (root / "cmdline").write_text(command_line)
    for path, text in files.items():
        file = root / path.replace("__", "/").replace("_conf", ".conf")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return boot_settings(str(root), str(root), M2)


@pytest.mark.parametrize(
    ("command_line", "expected"),
    [
        ("hugepages=8 quiet", {M2: 8}),
        ("hugepagesz=1G hugepages=2 hugepagesz=2M hugepages=9", {G1: 2, M2: 9}),
        ("default_hugepagesz=1G hugepages=3", {G1: 3}),
        ("hugepagesz=1G hugepages=0:1,1:2", {G1: 3}),
        ("hugepages=x hugepagesz=?", {}),
    ],
)
def test_parameters_of_the_kernel(tmp_path: Path, command_line: str, expected: dict[int, int]) -> None:
    """Documentation/admin-guide/mm/hugetlbpage.rst. Catches: a count that is taken for another page size."""
    found = settings(tmp_path, command_line)
    assert {size: each.pages for size, each in found.items()} == expected


def test_the_last_file_counts(tmp_path: Path) -> None:
    """sysctl.d(5): by the names of files, /etc before /usr/lib. Catches: the file that is read first."""
    found = settings(
        tmp_path,
        "hugepages=1",
        **{
            "usr__lib__sysctl.d__50-x_conf": "vm.nr_hugepages = 2\n",
            "etc__sysctl.d__50-x_conf": "# vm.nr_hugepages = 4\n -vm/nr_hugepages=3\n",
            "etc__sysctl.d__10-x_conf": "vm.nr_hugepages = 5\n",
            "etc__tmpfiles.d__huge_conf": "w /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages - - - - 6\n",
        },
    )
    assert found == {
        M2: ("/etc/sysctl.d/50-x.conf", M2, 3),
        G1: ("/etc/tmpfiles.d/huge.conf", G1, 6),
    }


def test_what_is_lost_at_a_restart_is_said(tmp_path: Path) -> None:
    """Of each pool, what to write where. Catches: advice for another size, surplus pages that are kept."""
    make_host(tmp_path, nr=10, surplus=2)
    add_pool(tmp_path, 1 << 20, nr=3)
    for node, pages in ((0, 6), (1, 4)):
        add_node(tmp_path, node, nr=pages)
    (tmp_path / "proc/cmdline").write_text("hugepagesz=1G hugepages=3\n")
    for path, text in (
        ("kernel/shmmax", "4096"),
        ("kernel/shmall", "18446744073692774399"),
        ("vm/min_free_kbytes", "67"),
    ):
        file = tmp_path / "proc/sys" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
    found = advice_for(f"{tmp_path}/proc", f"{tmp_path}/sys")
    commands = [command for each in found for command in each.commands]
    assert "echo 'vm.nr_hugepages = 8' > /etc/sysctl.d/60-hugepages.conf" in commands
    by_node = "w /sys/devices/system/node/node{}/hugepages/hugepages-2048kB/nr_hugepages - - - - {}"
    assert {by_node.format(0, 6), by_node.format(1, 4)} <= set(commands)
    assert f"echo 'kernel.shmmax = {10 * M2 + 3 * G1}' > /etc/sysctl.d/60-shmmax.conf" in commands
    text = " ".join(each.text + each.remedy for each in found)
    assert "hugepagesz=2M hugepages=8" in text
    assert "hugepages=0:6,1:4" in text
    assert "1G pages: 3 pages in the pool now, and after a restart: the kernel command line sets 3." in text
    assert "shmall" not in text


def test_a_mount_that_no_file_keeps(tmp_path: Path) -> None:
    """A mount that no file sets up has a line for fstab with its limits, blanks escaped.

    Catches: a line for fstab without its limits, and one that a blank in the path breaks.
    """
    make_host(tmp_path)
    line = "30 20 0:42 / /mnt/a\\040b rw - hugetlbfs none rw,seclabel,pagesize=2M,size=4096K\n"
    (tmp_path / "proc/self/mountinfo").write_text(line)
    (mount,) = [each for each in advice_for(f"{tmp_path}/proc", f"{tmp_path}/sys") if "hugetlbfs at" in each.text]
    assert mount.commands == ("echo 'none /mnt/a\\040b hugetlbfs pagesize=2M,size=4096K 0 0' >> /etc/fstab",)


def test_it_is_printed_and_written(tmp_path: Path) -> None:
    """`--advice` prints each command on one line, and JSON has it.

    Catches: a command that is broken where the terminal ends; JSON that lacks it.
    """
    make_host(tmp_path)
    code, output = run(tmp_path, "--advice")
    command = "    echo 'vm.nr_hugepages = 10' > /etc/sysctl.d/60-hugepages.conf"
    assert code == 0
    assert command in output.splitlines()
    document = json.loads(run(tmp_path, "--advice", "--json")[1])
    assert document["schema"] == "hugeresv-advice/1"
    assert [
        BootAdvice(each["text"], each["remedy"], tuple(each["commands"])) for each in document["advice"]
    ] == advice_for(f"{tmp_path}/proc", f"{tmp_path}/sys")
