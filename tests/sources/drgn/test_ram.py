"""Memory in files: where the kernel's note is found, where memory lies, how flattened dumps are put together."""

import struct
from pathlib import Path

import pytest

pytest.importorskip("drgn")

from drgn import Architecture, Platform, Program

from hugeresv.errors import InputError, UnavailableError
from hugeresv.sources.drgn.flattened import FLATTENED, reassembled
from hugeresv.sources.drgn.kdump import KDUMP, name_the_kernel
from hugeresv.sources.drgn.kernel import KernelMemory
from hugeresv.sources.drgn.ram import PhysicalMemory, notes, read_with_holes
from hugeresv.sources.physical import layouts

TEXT = b"OSRELEASE=6.1.0\nPAGESIZE=4096\n"
NOTE = struct.pack("<III", 11, len(TEXT), 0) + b"VMCOREINFO\0\0" + TEXT


def test_a_note_far_out_in_a_sparse_file(tmp_path: Path) -> None:
    """The note is found far out in a sparse file, quickly.

    Catches: a search that reads holes for minutes, stops at the first one, or takes the bare name for the note.
    """
    path = tmp_path / "ram"
    with path.open("wb") as file:
        file.write(b"VMCOREINFO\0\0 and nothing more")
        file.seek(3 << 40)
        file.write(NOTE)
        file.truncate(4 << 40)
    assert list(notes(path)) == [TEXT]


def test_large_machines_have_a_hole_below_4_gib() -> None:
    """The layouts of pc and q35 put memory beyond the hole at 4 GiB.

    Catches: memory beyond 4 GiB that is looked for where devices are.
    """
    assert [list(map(tuple, layout)) for layout in layouts(1 << 30)] == [[(0, 0, 1 << 30)]]
    pc, q35 = layouts(8 << 30)
    assert list(map(tuple, pc)) == [(0, 0, 3 << 30), (4 << 30, 3 << 30, 5 << 30)]
    assert list(map(tuple, q35)) == [(0, 0, 2 << 30), (4 << 30, 2 << 30, 6 << 30)]


def test_a_kernel_of_32_bits(tmp_path: Path) -> None:
    """A kernel of 32 bits is refused with the machine that is needed.

    Catches: advice on symbols where none would help.
    """
    path = tmp_path / "ram"
    path.write_bytes(bytes(4096))
    with pytest.raises(UnavailableError, match="x86-64"):
        PhysicalMemory(path).program(layouts(4096)[0], TEXT + b"SYMBOL(swapper_pg_dir)=c1d3a000\n")


def test_a_kernel_that_does_not_say_where_its_symbols_are(tmp_path: Path) -> None:
    """A note without the addresses that are needed is refused, with --symbols as the way out.

    Catches: a traceback instead of the advice that the memory of Linux 5.10 needs.
    """
    path = tmp_path / "ram"
    path.write_bytes(bytes(4096))
    text = TEXT + b"SYMBOL(init_uts_ns)=0\nSYMBOL(swapper_pg_dir)=ffffffff80000000\n"
    with pytest.raises(UnavailableError, match="--symbols"):
        KernelMemory(PhysicalMemory(path).program(layouts(4096)[0], text))


def test_a_dump_has_nothing_in_the_hole_below_4_gib() -> None:
    """Pages that a dump does not have are left out of what is read.

    Catches: a search that ends with a traceback at the first page that a dump has not.
    """
    program = Program(Platform(Architecture.X86_64))
    for page in (0, 1, 4):
        program.add_memory_segment(page << 12, 4096, lambda _address, count, _offset, _physical: b"x" * count, True)
    seen = read_with_holes(program, 0, 5 << 12)
    assert [seen[page << 12 : (page + 1) << 12] for page in range(5)] == [
        (b"x" if page in (0, 1, 4) else b"\0") * 4096 for page in range(5)
    ]


def flattened(*pieces: tuple[int, bytes]) -> bytes:
    body = b"".join(struct.pack(">qq", offset, len(piece)) + piece for offset, piece in pieces)
    return FLATTENED.ljust(4096, b"\0") + body


def test_a_flattened_dump_is_put_together(tmp_path: Path) -> None:
    """The pieces of a flattened dump go to their places, later ones over earlier ones.

    Catches: pieces in the order of the stream instead of their places; a later one that does not win.
    """
    path = tmp_path / "flat"
    path.write_bytes(flattened((6, b"dump"), (0, b"xxx"), (0, b"a "), (-1, b"")))
    with reassembled(path) as whole:
        whole.seek(0)
        assert whole.read() == b"a x\0\0\0dump"


def test_a_flattened_dump_that_is_cut_off(tmp_path: Path) -> None:
    """A flattened dump without its end is refused. Catches: half a dump that is taken for a whole one."""
    path = tmp_path / "flat"
    for wrong in (flattened((0, b"abc")), flattened((0, b"abc"), (-1, b""))[:-20]):
        path.write_bytes(wrong)
        with pytest.raises(InputError, match="ends in the middle"):
            reassembled(path)


@pytest.mark.parametrize(("name", "after"), [(b"\0", b"Linux"), (b"Other", b"Other")])
def test_only_a_kernel_without_a_name_gets_one(tmp_path: Path, name: bytes, after: bytes) -> None:
    """A kdump header without a kernel's name gets one, any other stays as it is.

    Catches: a dump's own words that are overwritten.
    """
    path = tmp_path / "dump"
    path.write_bytes(KDUMP + struct.pack("<I", 6) + name.ljust(390, b"\0"))
    with path.open("r+b") as dump:
        name_the_kernel(dump)
        dump.seek(12)
        assert dump.read(5) == after
