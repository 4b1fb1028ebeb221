"""A container, whose /proc has its own processes, and whose /sys has the pools of the host."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LOOK = """
import sys
from hugeresv.sources.proc.observe import observe_host
print([each.what for each in observe_host(sys.argv[1]).unreadable if each.hides and "PID namespaces" in each.what])
"""

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for namespaces"),
    pytest.mark.skipif(not Path("/sys/kernel/mm/hugepages").is_dir(), reason="no huge pages here"),
    pytest.mark.skipif(str(Path("/proc/self/ns/pid").readlink()) != "pid:[4026531836]", reason="in a container itself"),
]


def test_a_container_is_not_the_host(tmp_path: Path) -> None:
    """In a container the processes of other PID namespaces are said to be unread, on the host nothing is.

    Catches: what others hold called a leak.
    """
    script = 'mount --rbind /proc "$1" && mount -t proc proc /proc && shift && "$@" /proc && "$@" "$0"'
    host = str(tmp_path)
    words = ["unshare", "--pid", "--mount", "--fork", "sh", "-c", script, host, host, sys.executable, "-c", LOOK]
    ran = subprocess.run(words, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["['the processes of other PID namespaces']", "[]"]
