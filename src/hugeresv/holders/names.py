"""Names that say the same of a thing at every look: of a program, and of a file that has a new name at each start."""

import re

_TEMPORARY = (
    (re.compile(r"(qemu_back_mem\..+)\.[A-Za-z0-9]{6}$"), r"\1.*"),  # QEMU, file_ram_alloc: mkstemp
    (re.compile(r"/qemu/\d+-"), r"/qemu/*-"),  # libvirt: the number of the domain, a new one at each start
    (re.compile(r"/machine-qemu\\x2d\d+\\x2d"), r"/machine-qemu\\x2d*\\x2d"),  # the same number in a cgroup's name
    (re.compile(r"pid\d+"), "pid*"),  # SPDK: spdk_pid4711map_0
    (re.compile(r"map_\d+$"), "map_*"),  # DPDK: rtemap_0, a file for each page
    (re.compile(r"^segment \d+ \(key 0x00000000\)$"), "segment without a key"),  # IPC_PRIVATE
    (re.compile(r"^segment \d+ "), "segment "),  # the key stays, the id does not
)


def program_of(command: str) -> str:
    """The name of the program of a command line: neither its folder, nor arguments, which have secrets in them.

    >>> program_of("/usr/lib/postgresql/15/bin/postgres -D /srv/db"), program_of("postgres: checkpointer")
    ('postgres', 'postgres')
    """
    if command.startswith("["):
        return command
    return command.partition(" ")[0].rpartition("/")[2].rstrip(":")


def stable_name(name: str) -> str:
    """The name of a holder or cgroup without what changes when its program is started again.

    >>> stable_name("/dev/hugepages/libvirt/qemu/7-web/qemu_back_mem.pc.ram.r9CpIt")
    '/dev/hugepages/libvirt/qemu/*-web/qemu_back_mem.pc.ram.*'
    """
    for changing, constant in _TEMPORARY:
        name = changing.sub(constant, name)
    return name


def pattern_of(name: str) -> str:
    """The name of a holder with its file's numbers as `*`: what files of one family have in common.

    >>> pattern_of("/mnt/2M/rtemap_17")
    '/mnt/2M/rtemap_*'
    """
    if name.startswith("segment "):
        return "segment *"
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}{re.sub(r'[0-9]+', '*', stable_name(file))}"
