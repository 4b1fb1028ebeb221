"""Reading files of /proc and /sys whole."""

import os

_CHUNK_BYTES = 1 << 18


def read_bytes(path: str) -> bytes:
    """The whole file. Raises OSError. A FIFO, which a copy of a host's files may have, is not waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        chunks = []
        while chunk := os.read(descriptor, _CHUNK_BYTES):
            chunks.append(chunk)
    finally:
        os.close(descriptor)
    return b"".join(chunks)


def read_text(path: str) -> str:
    """The whole file; bytes that are no UTF-8 become surrogates, as in names of files. Raises OSError."""
    return os.fsdecode(read_bytes(path))


def read_if_there(path: str) -> str:
    """The whole file; empty where there is none, as in a copy of a host's files. Raises OSError."""
    return read_text(path) if os.path.exists(path) else ""


def read_number(path: str) -> int:
    """A file that is one number. Raises OSError."""
    return int(read_bytes(path))


def unescape(name: str) -> str:
    """A name as the kernel escapes it in mountinfo and maps: a backslash and three octal digits for a byte."""
    if "\\" not in name:
        return name
    raw = os.fsencode(name)
    parts = raw.split(b"\\")
    decoded = [parts[0]]
    for part in parts[1:]:
        if len(part) >= 3 and part[:3].isdigit() and max(part[:3]) < ord("8"):
            decoded.append(bytes([int(part[:3], 8) & 0xFF]) + part[3:])
        else:
            decoded.append(b"\\" + part)
    return os.fsdecode(b"".join(decoded))
