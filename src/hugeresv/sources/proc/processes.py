"""Processes that map huge pages or have files of them open. One that ends while it is read has no pages any more."""

import os
import pwd
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain

from hugeresv.sources.proc.cgroups import own_cgroup
from hugeresv.sources.proc.descriptors import Open
from hugeresv.sources.proc.files import MalformedError, number, parsed, read_chunks, read_lines, read_start, read_text
from hugeresv.sources.proc.maps import (
    Mapping,
    lines_of_devices,
    may_have_hugetlb,
    parse_maps,
    parse_maps_of,
    read_details,
)
from hugeresv.sources.proc.mounts import file_status
from hugeresv.sources.proc.namespaces import namespace
from hugeresv.sources.proc.page_walks import PageWalks, none_present
from hugeresv.sources.proc.pagemap import anonymous_pages, page_numbers
from hugeresv.sources.proc.procmap_query import query_hugetlb, query_page_bytes
from hugeresv.sources.proc.snapshot import Descent, FileStatus, ProcessRecord

_TICKS = os.sysconf("SC_CLK_TCK")
_STAT_FIELDS = 21
_LONGEST_COMMAND = 4096
"""Bytes of a command line. The process chooses its length (prctl(2), PR_SET_MM_ARG_END)."""
_TOO_LONG = "it maps far more huge pages than this host can have"
_LARGE_PAGES_OF_A_DEVICE = "/dev/dax"
_ANONYMOUS = "/anon_hugepage"
_FEW = 16
"""Mappings of one process that are asked for one by one. The maps file is cheaper where there are more."""
_MANY = 64
"""Mappings of one process whose flags are read in any case: what was promised is then known without the counters."""
_LITTLE_BYTES = 1 << 22
_BASE_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PF_FORKNOEXEC = 0x40
"""Of the flags in /proc/PID/stat: forked, and no execve since (include/linux/sched.h, 2.6.12 and later)."""


class ProcessReader:
    """Reads processes below a root of /proc. `live`: links there lead to what they name, not just to names."""

    def __init__(
        self,
        root: str,
        devices: dict[int, int],
        mount_paths: Iterable[str],
        smallest_kB: int,
        walks: PageWalks,
        *,
        live: bool,
        trusting: bool = False,
    ) -> None:
        """`devices`: of hugetlbfs, mounted at `mount_paths` or internal to the kernel, with their page sizes in bytes.

        `smallest_kB`: the smallest page size.

        `trusting`: processes may be presumed to be promised nothing (see ProcessRecord).
        """
        self._smallest_kB = smallest_kB
        self._walks = walks
        self._root = root
        self._devices = devices
        self._prefixes = ("/memfd:", *(f"{path.rstrip('/')}/" for path in mount_paths))
        self._live = live
        self._boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        self._trusting = trusting
        self._can_query = live
        self._page_bytes: dict[int, int] = {}
        """Of the files of a device, 0 where these have no huge pages; only what was met."""
        self.further_files: dict[int, list[tuple[str, FileStatus]]] = {}
        """By process, open files that are found otherwise: of a thread alone, or on what is mounted nowhere."""
        self._threads: dict[int, int] = {}
        self.closed_files: dict[int, str] = {}
        """Processes whose mappings could be read, but not their open files, and why."""
        self.not_walked: dict[int, str] = {}
        """Processes whose mappings could be read, but not what is present in them, and why."""

    def read(self, pid: int) -> ProcessRecord | None:
        """A process by what it maps, None if that is no huge page. Raises OSError where it may not be looked at."""
        try:
            return self._read(pid, pid)
        except ProcessLookupError:
            thread = self._other_thread(pid)
            if thread is None:
                return None
            self._threads[pid] = thread
            return self._read(pid, thread)

    def read_opened(self, pid: int, record: ProcessRecord | None) -> ProcessRecord | None:
        """What `read` returned, with its open files; a record also if it has no more than these. Raises OSError."""
        thread = self._threads.get(pid, pid)
        opened = [*self._opened(f"{self._root}/{thread}", pid), *self.further_files.get(pid, ())]
        if opened:
            record = record or self._identity(f"{self._root}/{thread}", pid, thread)
            record.opened = opened
        return record

    def _read(self, pid: int, thread: int) -> ProcessRecord | None:
        """As one of its threads shows it. Raises ProcessLookupError where that has no memory."""
        path = f"{self._root}/{thread}"
        mappings, page_bytes = self._mappings(path)
        if not mappings:
            return None
        record = self._identity(path, pid, thread)
        record.mappings, record.page_bytes = mappings, page_bytes
        if self._trusting and _may_be_presumed(mappings):
            record.presumed = True
            record.noreserve = frozenset(page_bytes)
        elif self._live:
            self._read_statuses(record)
        return record

    def doubt(self, record: ProcessRecord) -> None:
        """Of one that was presumed to be promised nothing, read what tells when it made its mappings instead."""
        record.presumed, record.noreserve = False, None
        self._read_statuses(record)

    def _read_statuses(self, record: ProcessRecord) -> None:
        path = f"{self._root}/{record.thread}"
        for mapping in {(each.shared, each.device, each.inode): each for each in reversed(record.mappings)}.values():
            with suppress(OSError):  # without CAP_CHECKPOINT_RESTORE; the interpretation knows what then is unknown
                link = f"{path}/map_files/{mapping.start:x}-{mapping.end:x}"
                record.statuses[mapping.start] = file_status(os.stat(link))

    def room(self, pid: int) -> bool | None:
        """Whether a process that may not be looked at has room for a huge page beside what it has of ordinary ones.

        Huge pages count in VmSize, not in VmRSS (resident) and not in VmLck (mlock passes over them). None where it has
        no memory: a kernel thread, or one that has ended.
        """
        sizes = {"VmSize": 0, "VmRSS": 0, "VmLck": 0}
        with suppress(OSError):
            for line in read_text(f"{self._root}/{pid}/status").split("\n"):
                key, _, value = line.partition(":")
                if key in sizes:
                    sizes[key] = number(value.removesuffix(" kB").strip(), key)
        if not sizes["VmSize"]:
            return None
        return sizes["VmSize"] - max(sizes["VmRSS"], sizes["VmLck"]) >= self._smallest_kB

    def name(self, pid: int) -> str:
        """What everybody may know: `PID 7 (sleep)`."""
        with suppress(OSError):
            return f"PID {pid} ({read_text(f'{self._root}/{pid}/comm').rstrip()})"
        return f"PID {pid}"

    def read_flags(self, record: ProcessRecord) -> None:
        """Which of its mappings are NORESERVE, and what is present in each: smaps, the dearest of all files."""
        if self._live and not self._walks.allowed(record):
            if self._walks.all_noreserve(record):
                record.noreserve = frozenset(mapping.start for mapping in record.mappings)
            else:
                self.not_walked[record.pid] = _TOO_LONG
            return
        with suppress(OSError):  # it has ended, or may not be looked at: unknown
            last = max(record.page_bytes)
            details = read_details(f"{self._root}/{record.thread}/smaps", last)
            record.noreserve = frozenset(start for start, detail in details.items() if detail.noreserve)
            record.present = {start: detail.present_bytes for start, detail in details.items()}

    def read_pages(self, record: ProcessRecord) -> None:
        """The anonymous pages of its private mappings."""
        private = [mapping for mapping in record.mappings if not mapping.shared]
        if not private or not self._live:
            return
        with suppress(OSError):  # it has ended, or may not be looked at: unknown
            if none_present(f"{self._root}/{record.thread}"):
                record.anonymous |= {mapping.start: [] for mapping in private}
                return
            if not self._walks.allowed(record):
                self.not_walked[record.pid] = _TOO_LONG
                return
            descriptor = os.open(f"{self._root}/{record.thread}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
            try:
                for run in _runs(private, record.page_bytes):
                    size = record.page_bytes[run[0].start]
                    addresses = anonymous_pages(descriptor, run[0].start, run[-1].end, size)
                    numbers = page_numbers(descriptor, addresses)
                    starts = [mapping.start for mapping in run]
                    record.anonymous |= {start: [] for start in starts}
                    for number, address in zip(numbers, addresses, strict=True):
                        mapping = run[bisect_right(starts, address) - 1]
                        if address < mapping.end:
                            record.anonymous[mapping.start].append(number or -address)
            finally:
                os.close(descriptor)

    def _mappings(self, path: str) -> tuple[list[Mapping], dict[int, int]]:
        found = query_hugetlb(f"{path}/maps", self._smallest_kB << 10, _FEW) if self._can_query else None
        if found is None:
            self._can_query = False
            return self._mappings_by_device(path) if self._devices else self._mappings_by_name(path)
        if len(found) > _FEW:  # of many the text costs less than a query each
            return parse_maps_of(
                read_lines(f"{path}/maps"), self._page_bytes, lambda mapping: _huge_page_bytes(path, mapping)
            )
        found = [(mapping, size) for mapping, size in found if not mapping.name.startswith(_LARGE_PAGES_OF_A_DEVICE)]
        return [mapping for mapping, _ in found], {mapping.start: size for mapping, size in found}

    def _mappings_by_device(self, path: str) -> tuple[list[Mapping], dict[int, int]]:
        """Without PROCMAP_QUERY: every hugetlbfs that files are mapped from is known, unless it is mounted nowhere."""
        lines = lines_of_devices(read_chunks(f"{path}/maps"), self._devices)
        return parse_maps_of(lines, dict(self._devices), lambda _: 0)

    def _mappings_by_name(self, path: str) -> tuple[list[Mapping], dict[int, int]]:
        lines = read_lines(f"{path}/maps")
        first = next(lines, None)
        if first is None:
            raise ProcessLookupError
        if not may_have_hugetlb(chain([first], lines), self._devices):
            return [], {}
        details = read_details(f"{path}/smaps")
        sizes = {start: detail.page_bytes for start, detail in details.items()}
        try:
            return parse_maps(read_lines(f"{path}/maps"), sizes), sizes
        except MalformedError as error:
            error.filename = f"{path}/maps"
            raise

    def _opened(self, path: str, pid: int) -> Iterator[tuple[str, FileStatus]]:
        """Open files on the devices; others are told by name and not asked for their status, which could take long.

        Who may read mappings may still be refused here: the former takes less on some kernels (CAP_PERFMON will do).
        """
        try:
            for link in (f"{path}/fd/{entry}" for entry in os.listdir(f"{path}/fd")):
                try:
                    name = os.readlink(link)
                except FileNotFoundError:
                    continue  # closed meanwhile
                if name.startswith(self._prefixes) and (found := self.open_file(link)):
                    yield found
        except PermissionError as error:
            self.closed_files[pid] = error.strerror or str(error)
        except OSError:
            return  # it has ended

    def mapped(self, pid: int) -> Iterator[Open]:
        """The mappings of huge pages of a process as ways to their files."""
        with suppress(OSError):  # it has ended, or may not be looked at
            for mapping in self._mappings(f"{self._root}/{pid}")[0]:
                link = f"{self._root}/{pid}/map_files/{mapping.start:x}-{mapping.end:x}"
                yield Open(pid, link, mapping.name, "a mapping")

    def open_file(self, link: str) -> tuple[str, FileStatus] | None:
        """The file on the devices that a descriptor is of, None of any other. Raises PermissionError."""
        with suppress(FileNotFoundError):  # closed meanwhile
            name = os.readlink(link)
            status = os.stat(link) if name.startswith(self._prefixes) else None
            if status is not None and status.st_dev in self._devices:
                return name, file_status(status)
        return None

    def _other_thread(self, pid: int) -> int | None:
        """One that still runs after the first has ended; None of a kernel thread, of a process that has ended too.

        /proc does not list threads, and shows each like a process (fs/proc/base.c, proc_pid_lookup).
        """
        threads = os.listdir(f"{self._root}/{pid}/task") if self._live else []
        return next((int(thread) for thread in threads if int(thread) != pid), None)

    def _identity(self, path: str, pid: int, thread: int) -> ProcessRecord:
        parent, session, flags, ticks = parsed(f"{self._root}/{pid}/stat", _parse_stat)
        return ProcessRecord(
            pid,
            thread,
            parent,
            self._boot + ticks / _TICKS,
            _command(path),
            _user(os.stat(path).st_uid),
            parsed(f"{path}/cgroup", own_cgroup),
            namespace(path, "ipc"),
            self._descent(path, pid, parent, session, flags),
        )

    def _descent(self, path: str, pid: int, parent: int, session: int, flags: int) -> Descent:
        """What it may have inherited. A daemon, too, has lost its parent, but is of a session that it began itself."""
        if not flags & _PF_FORKNOEXEC:
            return Descent.EXECUTED
        program, parents = _link(f"{path}/exe"), _link(f"{self._root}/{parent}/exe")
        adopted = program != parents if program and parents else parent == 1
        daemon = session == pid or not os.path.exists(f"{self._root}/{session}")
        return Descent.ORPHANED if adopted and not daemon else Descent.FORKED


def _may_be_presumed(mappings: list[Mapping]) -> bool:
    return len(mappings) > _MANY and all(
        not mapping.shared and mapping.name.startswith(_ANONYMOUS) for mapping in mappings
    )


def _huge_page_bytes(path: str, mapping: Mapping) -> int | None:
    """The size of the huge pages of a mapping, 0 where it has none, None where there is no such mapping any more."""
    if mapping.name.startswith(_LARGE_PAGES_OF_A_DEVICE):
        return 0
    page_bytes = query_page_bytes(f"{path}/maps", mapping)
    return 0 if page_bytes == _BASE_PAGE_BYTES else page_bytes


def _runs(mappings: list[Mapping], page_bytes: dict[int, int]) -> Iterator[list[Mapping]]:
    """Neighbours with pages of one size, whose page tables are walked at once, with what little lies between them."""
    run: list[Mapping] = []
    for mapping in mappings:
        if run and (
            page_bytes[run[0].start] != page_bytes[mapping.start] or mapping.start - run[-1].end > _LITTLE_BYTES
        ):
            yield run
            run = []
        run.append(mapping)
    if run:
        yield run


def _link(path: str) -> str:
    """What a link says; empty where it may not be looked at."""
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _command(path: str) -> str:
    """The command line with spaces between its arguments, the name in brackets where it has none."""
    line = os.fsdecode(read_start(f"{path}/cmdline", _LONGEST_COMMAND)).rstrip("\0").replace("\0", " ")
    if line:
        return line
    name = read_text(f"{path}/comm").removesuffix("\n")
    return f"[{name}]"


def _parse_stat(stat: str) -> tuple[int, int, int, int]:
    """Parent, session, flags, and start in ticks after boot."""
    fields = stat.rpartition(")")[2].split(" ")
    if len(fields) < _STAT_FIELDS:
        raise MalformedError("the line", stat)
    parent, session, flags, ticks = (number(fields[place], "a field") for place in (2, 4, 7, 20))
    return parent, session, flags, ticks


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
