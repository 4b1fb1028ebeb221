"""What a kernel prints against itself, found in what it has printed.

Oopses and panics, warnings, and the reports of lockdep, KASAN, KFENCE, UBSAN, kmemleak, RCU and the watchdogs.
"""

import re

_STAMP = re.compile(r"^(?:<\d+>)?\[ *\d+\.\d+\](?:\[ *[CT]\d+\])? ")
_BEGINS = re.compile(
    r"WARNING: |BUG: |kernel BUG at |Kernel panic - |Oops: |Oops\b|general protection fault|divide error: |UBSAN: "
    r"|INFO: task .* blocked|INFO: possible recursive|(?:rcu: )?INFO: rcu\w* .*(?:stall|kthread)|watchdog: BUG: "
    r"|double fault: |stack segment: |kmemleak: |Bad page state|list_(?:add|del) corruption|traps: PANIC"
)
_FUNCTION = re.compile(r"\b([A-Za-z_][\w.]*)\+0x[0-9a-f]+/0x")
_INSTRUCTION = re.compile(r"^(?:E|R)IP: (?:\w+:)?(\w[\w.]*)")
_FAULTS = re.compile(r"BUG: (?:kernel NULL|unable to|stack guard)|general protection|Oops|divide error|kernel BUG")

_VARIES = (
    (re.compile(r"\bCPU: \d+ |\bCPU#\d+ ?|\bCPU#?\d+\b:? ?|\b(?:UID|PID|Comm): \S+ ?"), ""),
    (re.compile(r"\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[\w+\])?"), ""),
    (re.compile(r"(\.[ch]):\d+"), r"\1"),
    (re.compile(r"\b0x[0-9a-f]{5,}\b|\b[0-9a-f]{8,16}\b"), "ADDRESS"),
    (re.compile(r" *\[#\d+\].*| *(?:Not tainted|Tainted:).*"), ""),
    (re.compile(r"\b\d+(?:\.\d+)? ?(?:s|seconds|jiffies)\b|/\d+\b|\[[\w-]+:\d+\]"), ""),
)


def report_line(printed: str) -> str | None:
    """The first line of the first report in what a kernel has printed, without what varies; None: there is none.

    It leaves out times, processors, process IDs, addresses, and places within functions and files. For an oops the
    function in which it happened follows.
    """
    lines = _from_the_first(printed)
    if not lines:
        return None
    line = lines[0]
    for varies, instead in _VARIES:
        line = varies.sub(instead, line)
    if _FAULTS.match(line):
        places = (_INSTRUCTION.match(each) for each in lines)
        if place := next(filter(None, places), None):
            line = f"{line} in {place[1]}"
    return " ".join(line.split())


def functions_of_reports(printed: str) -> set[str]:
    """The functions of the kernel that what it has printed names, from its first report on."""
    return {name for line in _from_the_first(printed) for name in _FUNCTION.findall(line)}


def _from_the_first(printed: str) -> list[str]:
    """What a kernel has printed from its first report on, line by line without times; nothing where there is none."""
    lines = [_STAMP.sub("", line).strip() for line in printed.split("\n")]
    begin = next((number for number, line in enumerate(lines) if _BEGINS.match(line)), len(lines))
    return lines[begin:]
