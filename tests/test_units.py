"""Quantities in bytes, in every spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hugeresv.errors import InputError
from hugeresv.units import Size, format_bytes, parse_bytes, parse_size

MIB = 1 << 20


@pytest.mark.parametrize(
    "spelling",
    [
        "2M",
        "2m",
        "2MB",
        "2MiB",
        "2Mi",
        "2048kB",
        "2048 kB",
        "2048K",
        "2097152",
        "2097152B",
        "hugepages-2048kB",
        "hugepages-2Mi",
    ],
)
def test_all_spellings_of_two_mebibytes(spelling: str) -> None:
    """Every spelling of 2 MiB is read as 2097152 bytes.

    Catches: a spelling of some tool that is refused, or read as decimal.
    """
    assert parse_bytes(spelling) == 2 * MIB


@pytest.mark.parametrize(
    ("spelling", "size"), [("1G", 1024 * MIB), ("hugepages-1Gi", 1024 * MIB), ("16T", 1 << 44), ("0", 0)]
)
def test_prefixes(spelling: str, size: int) -> None:
    """Each prefix is 1024 times the one before. Catches: prefixes in a wrong order."""
    assert parse_bytes(spelling) == size


@pytest.mark.parametrize(
    "wrong", ["", "M", "2X", "-2M", "1.5G", "2 M B", "2Mi B", "4i", "٣K", "2\u212a", "0x10", "hugepages-", "2M 2M"]
)
def test_what_is_no_quantity_is_refused(wrong: str) -> None:
    """What is no quantity is an error that shows one.

    Catches: a sign, a fraction or a stray unit that is dropped silently.
    """
    with pytest.raises(InputError, match="expected a quantity such as 2M"):
        parse_bytes(wrong)


@pytest.mark.parametrize(
    ("size", "spelling"),
    [
        (2 * MIB, "2M"),
        (1536 * 1024, "1536K"),
        (1 << 30, "1G"),
        (5000, "5000B"),
        (0, "0B"),
        ((1 << 30) + 1, "1073741825B"),
    ],
)
def test_the_largest_exact_unit_is_written(size: int, spelling: str) -> None:
    """A size is written in the largest unit of which it is a multiple.

    Catches: a size rounded to a unit that it is no multiple of.
    """
    assert format_bytes(size) == spelling


@given(st.integers(0, 2**64) | st.integers(0, 2**54).map(lambda n: n * 1024))
def test_what_is_written_is_read_back(size: int) -> None:
    """A size that is written is read back as the same number of bytes.

    Catches: a factor that differs between reading and writing.
    """
    assert parse_bytes(format_bytes(size)) == size


@pytest.mark.parametrize(
    ("spelling", "size"),
    [
        ("1.5G", Size(1536 * MIB)),
        ("0.5 MiB", Size(MIB // 2)),
        ("1.0000001K", Size(1025)),
        ("70p", Size(70, is_pages=True)),
        ("1 page", Size(1, is_pages=True)),
        ("70P", Size(70 << 50)),
        ("2M", Size(2 * MIB)),
    ],
)
def test_sizes(spelling: str, size: Size) -> None:
    """A size may be a fraction of a unit, or a number of huge pages.

    Catches: a fraction that is rounded down, and pages that are taken for petabytes or the other way.
    """
    assert parse_size(spelling) == size


def test_a_size_in_pages_and_bytes() -> None:
    """A size that is no multiple of the page takes a whole page more.

    Catches: the last page left out.
    """
    assert (Size(3 * MIB).pages(2 * MIB), Size(3 * MIB).bytes(2 * MIB)) == (2, 3 * MIB)
    assert (Size(3, is_pages=True).pages(2 * MIB), Size(3, is_pages=True).bytes(2 * MIB)) == (3, 6 * MIB)


@pytest.mark.parametrize("wrong", ["1.5", "1.5p", ".5G", "1.G", "-70p", "70 pp", "p"])
def test_what_is_no_size_is_refused(wrong: str) -> None:
    """A fraction of a byte or of a page, or of nothing, is no size.

    Catches: half a page that becomes none.
    """
    with pytest.raises(InputError, match="expected a quantity"):
        parse_size(wrong)
