"""The archive that a guest starts from: cpio in the format `newc`.

The format is described in Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
"""

from collections.abc import Mapping
from pathlib import PurePath

_MAGIC = b"070701"
_PROGRAM = 0o100755
_DIRECTORY = 0o040755
_TRAILER = "TRAILER!!!"
_ALIGNMENT_BYTES = 4


def initramfs(programs: Mapping[str, bytes]) -> bytes:
    """An archive of programs by their paths from the root directory, with the directories above them, owned by root."""
    directories = {str(above): None for name in programs for above in reversed(PurePath(name).parents) if above.name}
    wanted = [(name, _DIRECTORY, b"") for name in directories]
    wanted += [(name, _PROGRAM, content) for name, content in programs.items()]
    entries = [_entry(name, mode, content, inode) for inode, (name, mode, content) in enumerate(wanted, 1)]
    return b"".join([*entries, _entry(_TRAILER, _PROGRAM, b"", 0)])


def _entry(name: str, mode: int, content: bytes, inode: int) -> bytes:
    encoded = name.encode() + b"\0"
    owner = group = modified = device_major = device_minor = special_major = special_minor = checksum = 0
    links = 1
    fields = (
        inode, mode, owner, group, links, modified, len(content),
        device_major, device_minor, special_major, special_minor, len(encoded), checksum,
    )  # fmt: skip
    header = _MAGIC + b"".join(b"%08X" % field for field in fields)
    return _padded(header + encoded) + _padded(content)


def _padded(part: bytes) -> bytes:
    return part + b"\0" * (-len(part) % _ALIGNMENT_BYTES)
