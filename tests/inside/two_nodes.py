"""Process 1 of a guest with two NUMA nodes: what status shows of each, and what fit says beside what the kernel does.

The situations are drawn, the same at every run. In each a neighbour has pages of one node, and a program on a CPU makes
a mapping under a policy and touches it. Before it does, fit is asked about it.
"""

import ctypes
import json
import os
import random
import signal
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from hugeresv.kernels import syscalls
from tests.inside.init import ANONYMOUS, PAGE, POOL, RW, call, hugeresv, mount_all, private, report, touch

SITUATIONS = 10
MPOL_DEFAULT, MPOL_PREFERRED, MPOL_BIND, MPOL_INTERLEAVE = range(4)
BOTH = (0, 1)
POLICIES: tuple[tuple[int, tuple[int, ...]], ...] = (
    (MPOL_DEFAULT, ()), (MPOL_BIND, (0,)), (MPOL_BIND, (1,)), (MPOL_BIND, BOTH), (MPOL_PREFERRED, (1,)),
    (MPOL_INTERLEAVE, BOTH),
)  # fmt: skip


class Drawn(NamedTuple):
    """A situation. `after`: the policy is that of the mapping, set with mbind(2) when it is made."""

    pages: tuple[int, int]
    overcommit: int
    neighbour: tuple[int, int, int]
    """Its node, how many pages it maps, and how many of them it touches."""
    cpu: int
    mode: int
    nodes: tuple[int, ...]
    after: bool
    wanted: int
    by_pid: bool


def drawn(number: int) -> Drawn:
    rng = random.Random(number)
    pages = rng.randrange(2, 6), rng.randrange(2, 6)
    mode, nodes = rng.choice(POLICIES)
    after = mode == MPOL_BIND and rng.random() < 0.4
    reachable = pages[nodes[0]] if mode == MPOL_BIND and nodes != BOTH else sum(pages)
    told = mode in {MPOL_PREFERRED, MPOL_INTERLEAVE} or (mode == MPOL_BIND and not after and rng.random() < 0.5)
    mapped = rng.randrange(1, 4)
    return Drawn(
        pages, rng.choice([0, 2]), (rng.choice(BOTH), mapped, rng.randrange(mapped + 1)), rng.choice(BOTH), mode, nodes,
        after, max(1, reachable + rng.randrange(-3, 3)), told,
    )  # fmt: skip


def of_node(node: int, file: str) -> Path:
    return Path(f"/sys/devices/system/node/node{node}/hugepages/hugepages-2048kB/{file}_hugepages")


def set_policy(name: str, *words: int, mode: int, nodes: tuple[int, ...]) -> None:
    """set_mempolicy(2), or mbind(2) of a range."""
    mask = ctypes.c_ulong(sum(1 << node for node in nodes))
    call(name, *words, mode, ctypes.addressof(mask) if nodes else 0, 64 if nodes else 0, *([0] if words else []))


def neighbour(there: Drawn, told: int) -> None:
    node, mapped, touched = there.neighbour
    set_policy("set_mempolicy", mode=MPOL_BIND, nodes=(node,))
    with suppress(OSError):  # the node has not so many
        touch(private(mapped), *range(touched))
    os.write(told, b".")
    signal.pause()


def program(there: Drawn, told: int, go: int) -> None:
    """Tells that it waits, that it has its mapping, and every page that it has touched."""
    os.sched_setaffinity(0, {there.cpu})
    if not there.after:
        set_policy("set_mempolicy", mode=there.mode, nodes=there.nodes)
    os.write(told, b".")
    os.read(go, 1)
    start = syscalls.mmap(None, there.wanted * PAGE, RW, ANONYMOUS, -1, 0)
    if there.after:
        set_policy("mbind", start, there.wanted * PAGE, mode=there.mode, nodes=there.nodes)
    for page in range(there.wanted):
        touch(start, page)
        os.write(told, b".")


def situation(number: int) -> dict[str, Any]:
    """One of them: what there is, what fit said, how many pages were really touched; None: mmap was refused."""
    there = drawn(number)
    for node in BOTH:
        of_node(node, "nr").write_text(str(there.pages[node]))
    Path(f"{POOL}/nr_overcommit_hugepages").write_text(str(there.overcommit))
    (told, tell), (wait, go) = os.pipe(), os.pipe()
    pids = []
    actions = partial(neighbour, there, tell), partial(program, there, tell, wait)
    for action in actions:
        pids.append(os.fork())
        if pids[-1] == 0:
            with suppress(OSError):
                action()
            os._exit(0)
        os.read(told, 1)
    words = [word for node in there.nodes for word in ("--node", str(node))] + ["--bind-after"] * there.after
    words = ["--pid", str(pids[1])] if there.by_pid else words
    said = json.loads(hugeresv("fit", f"{there.wanted}p", "--json", *words)["out"])
    os.write(go, b".")
    _, status = os.waitpid(pids[1], 0)
    os.close(tell)
    os.kill(pids[0], signal.SIGKILL)
    os.waitpid(pids[0], 0)
    touched = len(os.read(told, 1024))
    really = touched if touched or os.WIFSIGNALED(status) else None
    return {"drawn": there._asdict(), "words": words, "fit": said, "really": really}


def nodes() -> dict[str, Any]:
    """What status shows of each node, beside what the kernel shows of it, while the neighbour has a page there."""
    there = drawn(0)._replace(pages=(5, 3), neighbour=(1, 2, 1), overcommit=0)
    for node in BOTH:
        of_node(node, "nr").write_text(str(there.pages[node]))
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        neighbour(there, tell)
    os.read(told, 1)
    status, text = hugeresv("status", "--json"), hugeresv("status")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return {"status": status, "text": text}


def look() -> dict[str, Any]:
    mount_all()
    return {"nodes": nodes(), "situations": [situation(number) for number in range(SITUATIONS)]}


def main() -> None:
    report(look)
