"""PROCMAP_QUERY (6.11): asking the kernel for mappings one by one, instead of reading all of them as text.

It is the cheapest way to find mappings of huge pages among others: it tells the page size, writes a name only if asked
for it, passes over anonymous mappings within the kernel, and can be asked for what begins at the next multiple of a
huge page. Of a mapping it answers all that maps has (include/uapi/linux/fs.h, struct procmap_query).
"""

import ctypes
import errno
import fcntl
import os
import struct

from hugeresv.sources.proc.maps import Mapping

_QUERY = 0xC0686611  # _IOWR('f', 17, struct procmap_query)
_ARGUMENT = struct.Struct("9Q4I2Q")
_SIZE, _FLAGS, _ADDRESS, _END, _PAGE_SIZE = 0, 1, 2, 4, 6  # its first nine fields, as words
_COVERING_OR_NEXT_FILE = 0x10 | 0x20
_SHARED = 0x08
_NOT_SUPPORTED = (errno.ENOTTY, errno.EINVAL)  # a kernel without it
_BASE_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_LONGEST_NAME = 4096


def query_hugetlb(path: str, smallest_bytes: int, most: int | None = None) -> list[tuple[Mapping, int]] | None:
    """The file mappings with other than base pages in a maps file, each with its page size in bytes.

    `most`: of more than so many it is enough to know that they are more; one more is answered.

    Only such are sure to be found whose page size is at least the smallest: they begin at a multiple of it, so that
    whatever lies between two multiples is passed over. None where the kernel cannot be asked. Raises OSError where the
    process may not be looked at, ProcessLookupError where it has no memory: a kernel thread, or one that has ended.
    """
    found = []
    name = ctypes.create_string_buffer(_LONGEST_NAME + 1)
    words = memoryview(bytearray(_ARGUMENT.size)).cast("Q")
    words[_SIZE], words[_FLAGS] = _ARGUMENT.size, _COVERING_OR_NEXT_FILE
    query = fcntl.ioctl
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while True:
            query(descriptor, _QUERY, words)
            end = words[_END]
            if words[_PAGE_SIZE] > _BASE_PAGE_BYTES:
                mapping, page_bytes = _next_mapping(descriptor, words[_ADDRESS], name)
                if page_bytes > _BASE_PAGE_BYTES:
                    found.append((mapping, page_bytes))
                    if most is not None and len(found) > most:
                        return found
                end = mapping.end
            words[_ADDRESS] = -(-end // smallest_bytes) * smallest_bytes
    except FileNotFoundError:
        return found  # no further mapping
    except OSError as error:
        if error.errno in _NOT_SUPPORTED:
            return None
        raise
    finally:
        os.close(descriptor)


def query_page_bytes(path: str, known: Mapping) -> int | None:
    """The page size of a mapping, None where it has gone. Raises OSError where the process may not be looked at."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        mapping, page_bytes = _ask(descriptor, known.start, ctypes.create_string_buffer(1), 0)
    except FileNotFoundError:  # nor is there one behind it
        return None
    finally:
        os.close(descriptor)
    return page_bytes if (mapping.start, mapping.inode) == (known.start, known.inode) else None


def _next_mapping(descriptor: int, address: int, name: ctypes.Array[ctypes.c_char]) -> tuple[Mapping, int]:
    """The file mapping at an address or behind it with all that is known of it, and its page size."""
    try:
        return _ask(descriptor, address, name, _LONGEST_NAME)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        name[0] = b"\0"
        return _ask(descriptor, address, name, 0)


def _ask(descriptor: int, address: int, name: ctypes.Array[ctypes.c_char], longest_name: int) -> tuple[Mapping, int]:
    """Ask for one; its name is written to `name`."""
    place = ctypes.addressof(name) if longest_name else 0
    argument = bytearray(
        _ARGUMENT.pack(
            _ARGUMENT.size, _COVERING_OR_NEXT_FILE, address, 0, 0, 0, 0, 0, 0, 0, 0, longest_name, 0, place, 0
        )
    )
    fcntl.ioctl(descriptor, _QUERY, argument)
    _, _, _, start, end, flags, page_bytes, offset, inode, major, minor, *_ = _ARGUMENT.unpack(argument)
    shared = bool(flags & _SHARED)
    return Mapping(start, end, shared, offset, os.makedev(major, minor), inode, os.fsdecode(name.value)), page_bytes
