"""What a kernel image says of itself: its release, and the machine it is for.

A bzImage begins with the header of Documentation/arch/x86/boot.rst. A vmlinux is an ELF file that QEMU starts where it
has a PVH entry (CONFIG_PVH); its release is in the banner that it prints.
"""

import mmap
import re
from pathlib import Path
from typing import NamedTuple

from hugeresv.errors import InputError

_MAGIC = slice(0x202, 0x206)
_KERNEL_VERSION = slice(0x20E, 0x210)
_KERNEL_VERSION_BASE = 0x200
_XLOADFLAGS = 0x236
_XLF_KERNEL_64 = 1
_LONGEST_VERSION = 512

_ELF_MAGIC = b"\x7fELF"
_EI_CLASS = 4
_ELFCLASS64 = 2
_BANNER = re.compile(rb"Linux version ([0-9][^ \0%]*) ([^\0]*)")


class ImageHeader(NamedTuple):
    """`release` and `version` are what uname(2) answers; `architecture` is Debian's word, `amd64` or `i386`."""

    release: str
    version: str
    architecture: str


def read_image_header(path: Path) -> ImageHeader:
    """Read an image. Raises InputError, which names the file, for what is none or cannot be read."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as image:
            header = _bzimage(image) if image[_MAGIC] == b"HdrS" else _vmlinux(image)
    except ValueError:  # of mmap
        raise InputError(f"{path}: is empty") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if header is None:
        raise InputError(f"{path}: neither a bzImage nor a vmlinux of Linux for x86")
    return header


def _bzimage(image: mmap.mmap) -> ImageHeader:
    start = int.from_bytes(image[_KERNEL_VERSION], "little") + _KERNEL_VERSION_BASE
    release, _, version = image[start : start + _LONGEST_VERSION].partition(b"\0")[0].partition(b" ")
    is_64_bit = image[_XLOADFLAGS] & _XLF_KERNEL_64
    return _header(release, version, is_64_bit=bool(is_64_bit))


def _vmlinux(image: mmap.mmap) -> ImageHeader | None:
    banner = _BANNER.search(image) if image[:4] == _ELF_MAGIC else None
    if banner is None:
        return None
    is_64_bit = image[_EI_CLASS] == _ELFCLASS64
    return _header(banner[1], banner[2], is_64_bit=is_64_bit)


def _header(release: bytes, version: bytes, *, is_64_bit: bool) -> ImageHeader:
    """Who built it stands between the two, and is left in `version`."""
    architecture = "amd64" if is_64_bit else "i386"
    return ImageHeader(release.decode(errors="replace"), version.decode(errors="replace"), architecture)
