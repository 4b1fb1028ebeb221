"""The options that a kernel of one's own needs to run in a guest, each with its reason."""

from collections.abc import Mapping
from typing import NamedTuple


class ConfigOption(NamedTuple):
    """An option of a kernel's configuration, without `CONFIG_`, why a guest needs it, and its value."""

    name: str
    reason: str
    value: str = "y"


class ConfigPart(NamedTuple):
    """Options that belong together, and what does not work without them; `wanted`: whether they are set."""

    title: str
    options: tuple[ConfigOption, ...]
    wanted: bool


def _part(title: str, options: Mapping[str, str], *, wanted: bool = True) -> ConfigPart:
    return ConfigPart(title, tuple(ConfigOption(name, reason) for name, reason in options.items()), wanted)


CONFIG: tuple[ConfigPart, ...] = (
    _part(
        "A guest does not start without these.",
        {
            "64BIT": "The agent is compiled for it. Kernels for i386 run, too: then this is not set.",
            "BLK_DEV_INITRD": "The guest starts from an initramfs: its only program is the agent.",
            "BINFMT_ELF": "The agent is an ELF program.",
            "TTY": "Serial ports are terminals.",
            "SERIAL_8250": "The agent is spoken to over the second serial port.",
            "SERIAL_8250_CONSOLE": "The kernel's messages come over the first serial port.",
            "PRINTK": "Oopses and warnings are findings, and are read from the kernel's messages.",
            "BUG": "Without it a failed check of the kernel prints nothing.",
            "DEVTMPFS": "The agent opens /dev/ttyS1, and mounts file systems below /dev.",
            "PROC_FS": "Processes see their own memory in /proc.",
            "SYSFS": "The pool's counters are in /sys/kernel/mm/hugepages.",
            "NET": "Unix sockets need it.",
            "UNIX": "The agent speaks with the processes of a scenario over Unix sockets.",
            "FUTEX": "The C library needs it.",
            "MULTIUSER": "Scenarios change groups and capabilities.",
            "HUGETLBFS": "What is examined; it brings HUGETLB_PAGE.",
        },
    ),
    ConfigPart(
        "Kernels without this have other rules than stock kernels.",
        (
            ConfigOption("SMP", "NR_CPUS needs it; NUMA nodes have a processor each."),
            ConfigOption("NR_CPUS", "With fewer than 4, processes do not share page tables of huge pages.", "4"),
        ),
        True,
    ),
    _part(
        "Scenarios that use these are left out without them.",
        {
            "SHMEM": "memfd_create with huge pages.",
            "MEMFD_CREATE": "memfd_create with huge pages.",
            "ADVISE_SYSCALLS": "madvise and fadvise.",
            "SYSVIPC": "SysV segments of huge pages.",
            "CGROUPS": "Limits of cgroups.",
            "CGROUP_HUGETLB": "Limits of cgroups for huge pages.",
            "USERFAULTFD": "userfaultfd on huge pages.",
            "ACPI": "QEMU tells the kernel by it which memory is on which node.",
            "PCI": "ACPI needs it.",
            "NUMA": "Pools on several nodes.",
            "CPUSETS": "Cgroups that are confined to a node.",
        },
    ),
    _part(
        "A guest's memory cannot be audited without these (hugeresv check, run --audit).",
        {
            "KEXEC": "It brings VMCOREINFO, which says where the kernel's things are.",
            "KALLSYMS": "Symbols are found in the memory.",
            "KALLSYMS_ALL": "The symbols of variables are needed, too.",
            "DEBUG_KERNEL": "DEBUG_INFO needs it.",
            "DEBUG_INFO_DWARF5": "BTF is made of it; building needs pahole.",
            "BPF_SYSCALL": "DEBUG_INFO_BTF needs it.",
            "DEBUG_INFO_BTF": "The layout of the kernel's types, in the memory itself.",
        },
    ),
    _part(
        "These find more, each at the cost of a slower guest: take away the # before those that you want.",
        {
            "DEBUG_VM": "The kernel checks what it knows of its pages.",
            "DEBUG_LIST": "The kernel checks its lists.",
            "PROVE_LOCKING": "Lockdep reports locks that are taken in a wrong order.",
            "KASAN": "Memory that is used after it was freed is reported.",
        },
        wanted=False,
    ),
)
