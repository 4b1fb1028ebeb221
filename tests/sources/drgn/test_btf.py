"""BTF: this machine's kernel describes its types, and what is known of them from its source is there."""

import struct
from pathlib import Path

import pytest

from hugeresv.sources.drgn.btf import Btf, BtfError, BtfKind, Member

OWN = Path("/sys/kernel/btf/vmlinux")


@pytest.fixture(scope="module")
def data() -> bytes:
    if not OWN.exists():
        pytest.skip(f"needs {OWN}: a kernel with CONFIG_DEBUG_INFO_BTF")
    return OWN.read_bytes()


@pytest.fixture(scope="module")
def btf(data: bytes) -> Btf:
    return Btf(data)


def members(btf: Btf, kind: BtfKind, name: str) -> dict[str, Member]:
    number = btf.find(kind, name)
    assert number is not None
    return {member.name: member for member in btf.members(btf.record(number))}


def test_the_counters_of_a_pool(btf: Btf) -> None:
    """The four counters of struct hstate lie in a row of longs.

    Catches: offsets that are another member's: include/linux/hugetlb.h has four longs in a row.
    """
    found = members(btf, BtfKind.STRUCT, "hstate")
    names = ("nr_huge_pages", "free_huge_pages", "resv_huge_pages", "surplus_huge_pages")
    first = found["nr_huge_pages"].bit_offset
    assert [found[name].bit_offset - first for name in names] == [0, 64, 128, 192]
    assert btf.record(found["resv_huge_pages"].type).name == "long unsigned int"


def test_bit_fields(btf: Btf) -> None:
    """A bit field has its size in bits and its offset; other members have no bit size.

    Catches: an offset with the size in its top byte, taken for an offset.
    """
    found = members(btf, BtfKind.STRUCT, "task_struct")
    assert found["in_execve"].bit_size == 1
    assert found["pid"].bit_size == 0
    number = btf.find(BtfKind.STRUCT, "task_struct")
    assert number is not None
    size_bytes = btf.record(number).target
    assert all(member.bit_offset < 8 * size_bytes for member in found.values())


def test_constants(btf: Btf) -> None:
    """Enumerators have their values, and a name that is none has no value.

    Catches: a value without its sign, or of another enumerator: enum pageflags, enum pid_type, enum hk_type or the
    like.
    """
    found = {name: btf.constant(name) for name in ("PIDTYPE_PID", "PIDTYPE_TGID", "NO_SUCH_ENUMERATOR")}
    assert [value and value[1] for value in found.values()] == [0, 1, None]


def test_every_name_is_found_again(btf: Btf, data: bytes) -> None:
    """A struct is found by its whole name. Catches: a type whose name begins in the middle of another's."""
    known = [btf.record(number) for number in range(1, 3000)]
    for record in known:
        if record.kind is BtfKind.STRUCT and record.name:
            number = btf.find(BtfKind.STRUCT, record.name)
            assert number is not None
            assert btf.record(number).name == record.name


@pytest.mark.parametrize("wrong", [b"", b"\x7fELF" * 10, struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, 40, 40, 40)])
def test_what_is_no_btf(wrong: bytes) -> None:
    """Data that is no BTF raises BtfError. Catches: a parser that runs off the end of something else."""
    with pytest.raises(BtfError):
        Btf(wrong)
