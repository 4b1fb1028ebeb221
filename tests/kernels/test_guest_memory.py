"""A guest's memory as a file."""

import os

from hugeresv.kernels.guest.memory import Contents, Ram
from hugeresv.sources.physical import note_text

_CHUNK_BYTES = 64 * 1024


def test_a_copy_holds_the_same_and_no_zeros() -> None:
    """A copy of the memory has the same bytes, and takes no room for zeros.

    Catches: data that begins or ends amid a chunk, or at the end of the memory, and is not copied; zeros that are.
    """
    with Ram(64 * _CHUNK_BYTES) as ram:
        for offset, data in ((5, b"first"), (_CHUNK_BYTES, bytes(8 * _CHUNK_BYTES)), (64 * _CHUNK_BYTES - 4, b"last")):
            os.pwrite(ram.descriptor, data, offset)
        os.pwrite(ram.descriptor, b"two chunks", 20 * _CHUNK_BYTES - 3)
        original = ram.path.read_bytes()
        contents = Contents(ram)
    with contents, contents.copied() as copy:
        assert copy.path.read_bytes() == original
        assert os.fstat(copy.descriptor).st_blocks * 512 <= 4 * _CHUNK_BYTES


def test_memory_beyond_the_hole_is_found() -> None:
    """Memory above the hole below 4 GiB is read by its physical address.

    Catches: physical addresses taken for offsets: of 4 GiB the last one is after 4 GiB.
    """
    with Ram(4 << 30) as ram:
        assert ram.segments == ((0, 0, 3 << 30), (4 << 30, 3 << 30, 1 << 30))
        os.pwrite(ram.descriptor, b"low", 100)
        os.pwrite(ram.descriptor, b"high", (3 << 30) + 100)
        with Contents(ram) as contents:
            assert (contents.read(100, 3), contents.read((4 << 30) + 100, 4)) == (b"low", b"high")


def test_a_name_is_padded_in_a_note() -> None:
    """The text of a note begins after its padded name and ends with its length.

    Catches: a note's text that begins with the padding of its name.
    """
    note = bytes.fromhex("0b000000 05000000 00000000") + b"VMCOREINFO\0" + b"\0" + b"A=1\nB" + b"rest"
    assert note_text(note) == b"A=1\nB"
