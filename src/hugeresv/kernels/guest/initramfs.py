"""The archive that a guest starts from: cpio in the format `newc`.

The format is described in Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
"""

from collections.abc import Mapping

_MAGIC = b"070701"
_PROGRAM = 0o100755
_TRAILER = "TRAILER!!!"
_ALIGNMENT_BYTES = 4


def initramfs(programs: Mapping[str, bytes]) -> bytes:
    """An archive of programs by their names in the root directory, owned by root."""
    entries = [_entry(name, content, inode) for inode, (name, content) in enumerate(programs.items(), 1)]
    return b"".join([*entries, _entry(_TRAILER, b"", 0)])


def _entry(name: str, content: bytes, inode: int) -> bytes:
    encoded = name.encode() + b"\0"
    owner = group = modified = device_major = device_minor = special_major = special_minor = checksum = 0
    links = 1
    fields = (
        inode, _PROGRAM, owner, group, links, modified, len(content),
        device_major, device_minor, special_major, special_minor, len(encoded), checksum,
    )  # fmt: skip
    header = _MAGIC + b"".join(b"%08X" % field for field in fields)
    return _padded(header + encoded) + _padded(content)


def _padded(part: bytes) -> bytes:
    return part + b"\0" * (-len(part) % _ALIGNMENT_BYTES)
