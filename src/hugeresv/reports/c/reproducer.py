"""A scenario as a program in C: its calls spelled out, and a small runtime that runs them in their processes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import NamedTuple

from hugeresv.calls.call import Call, OfFile, OfMount, OfSegment
from hugeresv.calls.resolve import resolve
from hugeresv.errors import InputError, UnsupportedError
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model.machine import Machine
from hugeresv.model.process import mlock_limit
from hugeresv.outcome import Outcome
from hugeresv.plain import count_of
from hugeresv.reports.c.words import Words
from hugeresv.reports.spelling import spell
from hugeresv.scenario.expectation import expected, leaks_for
from hugeresv.scenario.scenario import Expectation, Scenario, Step, Together

_INCLUDES = (
    "errno.h", "fcntl.h", "grp.h", "limits.h", "linux/mman.h", "poll.h", "sched.h", "setjmp.h", "signal.h", "stdio.h",
    "stdlib.h", "string.h", "sys/mman.h", "sys/mount.h", "sys/resource.h", "sys/shm.h", "sys/socket.h", "sys/stat.h",
    "sys/syscall.h", "sys/types.h", "sys/wait.h", "unistd.h",
)  # fmt: skip
_COUNTERS = ("total", "free", "rsvd", "surp")


class _Line(NamedTuple):
    """One step: its call, and whether the model says that it succeeds."""

    step: Step
    call: Call
    ok: bool


def to_c(scenario: Scenario, kernel: ModelKernel) -> str:
    """The C file that carries the scenario out and compares it with what is expected of `kernel`.

    Which names are bound by which step is what the kernel's model says. UnsupportedError: the scenario has cgroups,
    several pools or nodes, concurrent calls or allocations that fail.
    """
    if scenario.cgroups:
        raise UnsupportedError("cgroups cannot be converted to C")
    if scenario.pools or scenario.pool.nodes:
        raise UnsupportedError("several pools or nodes cannot be converted to C")
    if any(isinstance(step.operation, Together) or step.fails for step in scenario.steps):
        raise UnsupportedError("concurrent calls and failing allocations cannot be converted to C")
    lines = _resolved(scenario, kernel)
    return "".join(_Program(scenario, kernel, lines).parts())


def _resolved(scenario: Scenario, kernel: ModelKernel) -> list[_Line]:
    lines: list[_Line] = []
    with kernel.start(scenario.pool, None) as session:
        for number, step in enumerate(scenario.steps, 1):
            try:
                call = resolve(step.operation, session.names)
            except InputError as error:
                raise type(error)(f"step {number}: {error}") from error
            outcome = session.apply(step.operation).outcome
            lines.append(_Line(step, call, outcome is Outcome.OK))
            if outcome is Outcome.HANG:
                break
    return lines


class _Program:
    """The parts of one file. Names of the scenario are numbers of tables in it."""

    def __init__(self, scenario: Scenario, kernel: ModelKernel, lines: Sequence[_Line]) -> None:
        self._scenario = scenario
        self._kernel = kernel
        self._lines = lines
        calls = [line.call for line in lines]
        self._processes = _numbered("P", [name for call in calls for name in _processes(call)])
        self._files = _numbered("F", [call.makes.name for call in calls if isinstance(call.makes, OfFile)])
        self._segments = _numbered("S", [call.makes.name for call in calls if isinstance(call.makes, OfSegment)])
        self._mounts = _numbered("M", [str(call.makes.name) for call in calls if isinstance(call.makes, OfMount)])
        self._memlock = mlock_limit(Machine(kernel.behaviour, scenario.pool.page_bytes, 0))
        self._words = Words(scenario.pool.page_bytes, self._number)

    def parts(self) -> Iterator[str]:
        """From top to bottom."""
        yield self._comment()
        yield "#define _GNU_SOURCE\n" + "".join(f"#include <{name}>\n" for name in _INCLUDES)
        yield self._definitions()
        yield _TYPES
        yield "long touch(unsigned long address, int write);\nint file(int number);\n\n"
        yield self._take()
        yield self._steps()
        yield self._release()
        yield files("hugeresv.reports.c").joinpath("runtime.c").read_text()

    def _comment(self) -> str:
        told = [self._scenario.title or self._scenario.id or "A scenario"]
        told += ["", f"Expected is what {self._kernel.name} answers, as far as the scenario says it. Exit status: 0 as"]
        told += ["expected, 1 not so, 3 it cannot run here. Needs root and an idle pool, which it puts back:"]
        told += ["    cc -Wall -o reproducer reproducer.c && sudo ./reproducer"]
        text = "\n".join(told).replace("*/", "* /")
        return "/*\n" + "".join(f" * {line}".rstrip() + "\n" for line in text.split("\n")) + " */\n"

    def _definitions(self) -> str:
        pool = self._scenario.pool
        tables = (self._processes, self._files, self._segments, self._mounts)
        sizes = ("PROCESSES", "FILES", "SEGMENTS", "MOUNTS")
        enums = "".join(
            f"enum {{ {', '.join([*table.values(), size])} }};\n" for table, size in zip(tables, sizes, strict=True)
        )
        return (
            f"\n#define HPAGE {pool.page_bytes:#x}UL\n"
            f'#define POOL "/sys/kernel/mm/hugepages/hugepages-{pool.page_size_kB}kB"\n'
            f"#define PAGES {pool.pages}\n#define OVERCOMMIT {pool.nr_overcommit or 0}\n"
            f'#define POOL_TEXT "{count_of(pool.pages, "free page")}"\n'
            f'#define DIRECTORY "/tmp"\n#define ANY LONG_MIN\n'
            f"#define MEMLOCK {self._memlock} /* RLIMIT_MEMLOCK of a process */\n\n{enums}\n"
        )

    def _take(self) -> str:
        cases = (
            f"\tcase {number}: /* {_comment_text(spell(line.step.operation))} */\n{self._statement(line.call)}"
            for number, line in enumerate(self._lines)
        )
        return (
            "/* One step; -1 and an errno, a value, or -1000 - SIGNAL. */\nstatic long take(int number)\n{\n"
            f"\tswitch (number) {{\n{''.join(cases)}\t}}\n\treturn 0;\n}}\n\n"
        )

    def _statement(self, call: Call) -> str:
        expression = self._words.expression(call)
        if expression is None:
            if call.name not in _OTHERS:
                raise UnsupportedError(f"{call.name} cannot be converted to C")
            return _OTHERS[call.name](self, call)
        if isinstance(call.makes, (OfFile, OfSegment)):
            table = "files" if isinstance(call.makes, OfFile) else "segments"
            return f"\t\treturn shared->{table}[{self._number(call.makes)}] = {expression};\n"
        return f"\t\treturn {expression};\n"

    def _number(self, thing: OfFile | OfSegment) -> str:
        return (self._files if isinstance(thing, OfFile) else self._segments)[thing.name]

    def open_file(self, call: Call) -> str:
        """A file without a name; the mount without limits is made when first needed."""
        assert isinstance(call.makes, OfFile)
        where = call.words[0].name
        directory = f'DIRECTORY "/{self._mounts[where]}"' if where is not None else 'DIRECTORY "/default"'
        text = ""
        if where is None:
            text = (
                f"\t\tif (!mkdir({directory}, 0700) &&\n"
                f'\t\t    mount("none", {directory}, "hugetlbfs", 0, "pagesize={self._scenario.pool.page_bytes}"))\n'
                "\t\t\treturn -1;\n"
            )
        opened = f"open({directory}, O_TMPFILE | O_RDWR, 0600)"
        return f"{text}\t\treturn shared->files[{self._number(call.makes)}] = {opened};\n"

    def mount(self, call: Call) -> str:
        """A mount in a directory of its own, with its limits in bytes."""
        assert isinstance(call.makes, OfMount)
        size, minimum, _ = call.words
        options = f"pagesize={self._scenario.pool.page_bytes}"
        options += "" if size is None else f",size={size}"
        options += "" if minimum is None else f",min_size={minimum}"
        directory = f'DIRECTORY "/{self._mounts[str(call.makes.name)]}"'
        return f'\t\tmkdir({directory}, 0700);\n\t\treturn mount("none", {directory}, "hugetlbfs", 0, "{options}");\n'

    def umount(self, call: Call) -> str:
        """umount2(2)."""
        return f'\t\treturn umount2(DIRECTORY "/{self._mounts[call.words[0].name]}", 0);\n'

    def pool(self, call: Call) -> str:
        """A write to one of the pool's files in one call."""
        if call.words[2:] not in ((), (None,)):
            raise UnsupportedError("a write to the pool of one node cannot be converted to C")
        file = "nr_hugepages" if call.name == "set_nr_hugepages" else "nr_overcommit_hugepages"
        text = str(call.words[0])
        opened = f'\t\topened = open(POOL "/{file}", O_WRONLY);\n'
        return f'{opened}\t\treturn write(opened, "{text}", {len(text)}) < 0 ? -1 : 0;\n'

    def _steps(self) -> str:
        rows = (
            f"\t{{ {self._process(line.call.task)}, {self._child(line.call)}, {int(line.call.name == 'exit')}, "
            f"{self._at(line)}, {_c_text(spell(line.step.operation))},\n\t  {self._expectation(line.step)} }},\n"
            for line in self._lines
        )
        leaks = leaks_for(self._scenario, self._kernel.expectation_names)
        end = f"static const struct expectation at_the_end = {{ NULL, {{ ANY, ANY, {leaks}, ANY }} }};\n\n"
        return f"static const struct step steps[] = {{\n{''.join(rows)}}};\n\n{end}"

    def _process(self, name: str | None) -> str:
        return "-1" if name is None else self._processes[name]

    def _child(self, call: Call) -> str:
        return self._processes[call.words[0]] if call.name == "fork" else "-1"

    def _at(self, line: _Line) -> str:
        """Where a step that maps something must have put it."""
        words = line.call.words
        if not line.ok or line.call.name not in ("mmap", "shmat", "mremap"):
            return "0"
        address = words[{"mmap": 0, "shmat": 1, "mremap": 4}[line.call.name]]
        return f"{address:#x}UL" if address else "0"

    def _expectation(self, step: Step) -> str:
        wanted = expected(step, self._kernel.expectation_names)
        outcome = "NULL" if wanted.outcome is None else _c_text(str(wanted.outcome))
        return f"{{ {outcome}, {{ {', '.join(_counters(wanted))} }} }}"

    def _release(self) -> str:
        files, segments, mounts = self._files.values(), self._segments.values(), self._mounts.values()
        lines = [f"\tclose(shared->files[{file}]);\n" for file in files]
        lines += [f"\tshmctl(shared->segments[{segment}], IPC_RMID, NULL);\n" for segment in segments]
        lines += [f'\tumount2(DIRECTORY "/{mount}", 0);\n' for mount in mounts]
        lines.append('\tumount2(DIRECTORY "/default", 0);\n')
        return f"/* What is gone already is refused. */\nstatic void release(void)\n{{\n{''.join(lines)}}}\n\n"


_OTHERS: Mapping[str, Callable[[_Program, Call], str]] = {
    "open_file": _Program.open_file,
    "mount": _Program.mount,
    "umount": _Program.umount,
    "set_nr_hugepages": _Program.pool,
    "set_nr_overcommit": _Program.pool,
    "fork": lambda _program, _call: "\t\tbreak;\n",
    "exit": lambda _program, _call: "\t\tbreak;\n",
}

_TYPES = """\
struct expectation {
	const char *outcome; /* NULL: any */
	long counters[4]; /* total, free, rsvd, surp; ANY: any */
};

struct step {
	int process; /* -1: none */
	int child; /* of a fork, else -1 */
	int exits;
	unsigned long at; /* where a mapping must be, else 0 */
	const char *text;
	struct expectation expected;
};

static struct {
	int files[FILES + 1];
	int segments[SEGMENTS + 1];
	int finished, wrong; /* all steps are done; one of them was not as expected */
} *shared;

static int opened;
"""


def _processes(call: Call) -> list[str]:
    """The processes that a call names."""
    return ([] if call.task is None else [call.task]) + (list(call.words) if call.name == "fork" else [])


def _numbered(prefix: str, names: Sequence[str]) -> Mapping[str, str]:
    """A constant of C for each name."""
    found: dict[str, str] = {}
    for name in names:
        if name not in found:
            plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
            constant = f"{prefix}_{plain}"
            found[name] = constant if constant not in found.values() else f"{constant}_{len(found)}"
    return found


def _counters(wanted: Expectation) -> Iterator[str]:
    for name in _COUNTERS:
        value = getattr(wanted, name)
        yield "ANY" if value is None else str(value)


def _comment_text(text: str) -> str:
    return text.replace("*/", "* /").replace("/*", "/ *")


def _c_text(text: str) -> str:
    """A string of C."""
    return '"' + "".join(c if c.isascii() and c.isprintable() and c not in '"\\?' else _escaped(c) for c in text) + '"'


def _escaped(character: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in character.encode(errors="surrogatepass"))
