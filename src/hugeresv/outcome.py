"""What an operation answers.

A failure that a kernel would report is a value, never an exception: `ok`, the name of an errno, a signal that a memory
access raised, or `HANG` for a call that never returns.
"""

from enum import StrEnum


class Outcome(StrEnum):
    """The answer of one operation, spelled as scenarios spell it."""

    OK = "ok"
    SIGBUS = "SIGBUS"
    SIGSEGV = "SIGSEGV"
    HANG = "HANG"

    E2BIG = "E2BIG"
    EACCES = "EACCES"
    EAGAIN = "EAGAIN"
    EBADF = "EBADF"
    EBUSY = "EBUSY"
    EEXIST = "EEXIST"
    EFAULT = "EFAULT"
    EFBIG = "EFBIG"
    EHWPOISON = "EHWPOISON"
    EINTR = "EINTR"
    EINVAL = "EINVAL"
    EIO = "EIO"
    EISDIR = "EISDIR"
    EMFILE = "EMFILE"
    ENFILE = "ENFILE"
    ENODEV = "ENODEV"
    ENOENT = "ENOENT"
    ENOMEM = "ENOMEM"
    ENOSPC = "ENOSPC"
    ENOSYS = "ENOSYS"
    ENOTEMPTY = "ENOTEMPTY"
    ENXIO = "ENXIO"
    EOPNOTSUPP = "EOPNOTSUPP"
    EOVERFLOW = "EOVERFLOW"
    EPERM = "EPERM"
    ERANGE = "ERANGE"
    EROFS = "EROFS"
    ESPIPE = "ESPIPE"
    ESRCH = "ESRCH"
    ETXTBSY = "ETXTBSY"
