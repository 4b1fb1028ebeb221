"""System calls by number: against the C library's own headers, and what words machines of 32 bits get."""

import platform
import shutil
import subprocess
from typing import get_args

import pytest

from hugeresv.calls import abi
from hugeresv.calls.numbers import NUMBERS, number_of, words_of
from hugeresv.errors import UnsupportedError
from hugeresv.scenario.operation import FallocateMode
from hugeresv.words import Advice, Prot

NAMES_ELSEWHERE = {"mmap": "mmap2", "ftruncate": "ftruncate64", "fadvise64": "fadvise64_64", "setresgid": "setresgid32"}
"""What a call is called on i386, where it has another name."""


@pytest.mark.parametrize("machine", ["x86_64", "i386"])
def test_the_numbers_are_those_of_the_headers(machine: str) -> None:
    """<asm/unistd.h> has the same numbers. Catches: a number that is another call's."""
    if shutil.which("cc") is None or platform.machine() != "x86_64":
        pytest.skip("needs cc on x86-64")
    names = [NAMES_ELSEWHERE.get(name, name) if machine == "i386" else name for name in NUMBERS]
    header = "asm/unistd_32.h" if machine == "i386" else "asm/unistd_64.h"
    program = f"#include <{header}>\n" + "\n".join(f"@ __NR_{name}" for name in names)
    done = subprocess.run(["cc", "-E", "-P", "-x", "c", "-"], input=program, capture_output=True, text=True, check=True)
    told = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("@")]
    assert told == [str(number_of(name, machine)) for name in NUMBERS]


def test_another_machine_has_the_generic_numbers() -> None:
    """arm64 and riscv64 have the numbers of include/uapi/asm-generic/unistd.h.

    Catches: those of x86-64 on another machine.
    """
    assert (number_of("mmap", "aarch64"), number_of("mmap", "riscv64")) == (222, 222)
    assert (number_of("openat", "aarch64"), number_of("mlock2", "aarch64")) == (56, 284)


def test_words_of_32_bits() -> None:
    """An offset is two words, lower first; mmap's is in pages of 4 KiB; what does not fit is refused.

    Catches: an offset whose upper word is lost.
    """
    assert list(words_of("ftruncate", (3, (5 << 32) + 7), 32)) == [3, 7, 5]
    assert list(words_of("mmap", (0, 4096, 3, 34, -1, 1 << 33), 32)) == [0, 4096, 3, 34, -1, 1 << 21]
    assert list(words_of("mmap", (0, 1 << 40, 3, 34, -1, 1), 64)) == [0, 1 << 40, 3, 34, -1, 1]
    with pytest.raises(UnsupportedError, match="does not fit into 32 bits, and this guest is a 32-bit machine"):
        list(words_of("mmap", (0, 1 << 40, 3, 34, -1, 0), 32))
    with pytest.raises(UnsupportedError, match="not a multiple of 4 KiB"):
        list(words_of("mmap", (0, 4096, 3, 34, -1, 1), 32))


def test_every_word_of_scenarios_has_its_number() -> None:
    """All advice, protections and modes that scenarios may name have their numbers.

    Catches: advice or rights that scenarios may name and that no system call can be given.
    """
    assert set(abi.ADVICE) == set(get_args(Advice))
    assert set(abi.PROT) == set(get_args(Prot))
    assert set(abi.FALLOCATE) == set(get_args(FallocateMode))
