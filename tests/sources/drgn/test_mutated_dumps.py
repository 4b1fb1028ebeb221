"""Dumps, memory and lists of symbols that are damaged."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("drgn")

from hugeresv.errors import HugeresvError, InputError
from hugeresv.sources.drgn.flattened import FLATTENED
from hugeresv.sources.drgn.kdump import KDUMP
from hugeresv.sources.drgn.target import open_target
from tests.mutated import cases, mutated

CASES = 150
TEXT = (
    b"OSRELEASE=6.1.0\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff82a11d40\nSYMBOL(swapper_pg_dir)=ffffffff82a0a000\n"
    b"SYMBOL(kallsyms_names)=ffffffff82200000\nSYMBOL(kallsyms_num_syms)=ffffffff82300000\nNUMBER(phys_base)=0\n"
)
NOTE = struct.pack("<III", 11, len(TEXT), 0) + b"VMCOREINFO\0\0" + TEXT + bytes(-len(TEXT) % 4)


def kdump() -> bytes:
    """A header as QEMU writes it, its subheader, a bitmap, and a page with a note."""
    header = (
        KDUMP + struct.pack("<I", 6) + bytes(390) + bytes(22) + struct.pack("<iiiiIIII", 0, 4096, 1, 1, 64, 0, 0, 1)
    )
    subheader = struct.pack("<QiiiQQQQ", 0, 0, 1, 0, 0, 0, 4096 * 4, len(NOTE))
    return header.ljust(4096, b"\0") + subheader.ljust(4096, b"\0") + bytes(4096) + NOTE.ljust(4096, b"\0")


def elf() -> bytes:
    """A core file with a note and a segment of memory."""
    start = 64 + 2 * 56
    identity = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head = identity + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    note = struct.pack("<IIQQQQQQ", 4, 0, start, 0, 0, len(NOTE), len(NOTE), 4)
    load = struct.pack("<IIQQQQQQ", 1, 7, start, 0xFFFFFFFF82200000, 0, len(NOTE), len(NOTE), 0)
    return head + note + load + NOTE


def flattened() -> bytes:
    """The dump in two pieces."""
    dump = kdump()
    pieces = [(0, dump[:4096]), (4096, dump[4096:])]
    body = b"".join(struct.pack(">qq", offset, len(piece)) + piece for offset, piece in pieces)
    return FLATTENED.ljust(4096, b"\0") + body + struct.pack(">qq", -1, -1)


def ram() -> bytes:
    """Memory as it is, with the note in it."""
    return bytes(4096) + NOTE + bytes(4096)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("make", [kdump, elf, flattened, ram])
def test_a_damaged_file_is_refused(tmp_path: Path, make: Callable[[], bytes]) -> None:
    """Whatever a file has, it is read or refused with a message. Catches: a traceback of drgn's or struct's."""
    sound = make()
    path = tmp_path / "file"
    failures = []
    for number, rng in cases(CASES):
        content = bytearray(sound)
        if number % 2:
            place = rng.randrange(len(sound) - 8)
            content[place : place + 8] = rng.choice([bytes(8), b"\xff" * 8, b"\x7f" + b"\xff" * 7, rng.randbytes(8)])
        path.write_bytes(mutated(bytes(content), rng) if number else content)
        try:
            open_target(path)
        except HugeresvError as error:
            if not str(error).isprintable():
                failures.append((number, str(error)))
        except Exception as error:  # noqa: BLE001  it is what is looked for
            failures.append((number, repr(error)))
    assert failures == []


@pytest.mark.parametrize(
    "content",
    [
        KDUMP,
        b"DISKDUMP".ljust(4096, b"\0"),
        FLATTENED.ljust(4096, b"\0") + struct.pack(">qq", 0x7FFFFFFFFFFFFF00, 8) + bytes(24),
        FLATTENED.ljust(4096, b"\0") + struct.pack(">qq", 0, 1 << 62) + bytes(24),
    ],
)
def test_a_header_and_nothing_more(tmp_path: Path, content: bytes) -> None:
    """A dump that ends after its header is refused by its name.

    Catches: a traceback, and memory or disk for as much as a header says.
    """
    path = tmp_path / "dump"
    path.write_bytes(content)
    with pytest.raises(InputError, match="dump"):
        open_target(path)


@pytest.mark.parametrize("line", ["x T name", "ffffffff81000000 T", "10000000000000000 T name", "1 T \x1b[2J\nx"])
def test_a_line_that_is_no_symbol(tmp_path: Path, line: str) -> None:
    """A wrong line of a symbol file is refused with its number.

    Catches: a line that is taken for a symbol, or that reaches a terminal as it is.
    """
    symbols = tmp_path / "System.map"
    symbols.write_text(f"ffffffff81000000 T _text\n{line}\n")
    with pytest.raises(InputError, match=r"System\.map:[23]: expected") as caught:
        open_target(tmp_path / "none", symbols)
    assert str(caught.value).isprintable()
