"""Getting a stock kernel of Debian into the cache. Nothing is installed: the image is taken out of its package."""

import fcntl
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path, PurePosixPath

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.apt import Apt, require
from hugeresv.kernels.guest.cache import cache_directory, digest, put, written
from hugeresv.kernels.guest.image_header import read_image_header
from hugeresv.kernels.guest.images import PREFIX, Image
from hugeresv.kernels.guest.stock import STOCK, Stock

_PREFIX = ".fetch-"


def fetch(name: str, tell: Callable[[str], None]) -> Image:
    """Fetch the current release of a stock kernel.

    `name` is one of `STOCK`. `tell` gets a line where the kernel comes from a suite that may have an older one. Raises
    UnavailableError where apt, dpkg, the mirror or room in the cache is missing.
    """
    require("dpkg-deb", "dpkg")
    kernels = cache_directory("kernels")
    with written(kernels):
        return _fetch(name, kernels, tell)


def _fetch(name: str, kernels: Path, tell: Callable[[str], None]) -> Image:
    with _own_directory(kernels) as temporary:
        package = _download(STOCK[name], temporary, tell)
        unpacked = temporary / "image"
        _unpack(package, unpacked)
        release = read_image_header(unpacked).release
        content = unpacked.read_bytes()
    image = Image(name, release, kernels / name / f"{PREFIX}{release}")
    image.path.parent.mkdir(exist_ok=True)
    image.checksum.unlink(missing_ok=True)
    put(image.path, content)
    put(image.checksum, f"{digest(content).hex()}\n".encode())
    return image


@contextmanager
def _own_directory(kernels: Path) -> Iterator[Path]:
    """A directory for one fetch. Fetches make theirs one at a time: one that is not held yet looks left behind."""
    with ExitStack() as held:
        with _held(kernels, wait=True):
            clear_left_behind(kernels)
            temporary = Path(held.enter_context(tempfile.TemporaryDirectory(dir=kernels, prefix=_PREFIX)))
            held.enter_context(_held(temporary))
        yield temporary


def clear_left_behind(kernels: Path) -> None:
    """Remove what fetches that were killed have left; those that go on hold their directories."""
    for directory in kernels.glob(f"{_PREFIX}*"):
        with suppress(BlockingIOError, FileNotFoundError), _held(directory):
            shutil.rmtree(directory)


@contextmanager
def _held(directory: Path, *, wait: bool = False) -> Iterator[None]:
    """Raises BlockingIOError where another process has it, unless it is to `wait` for that one."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


def _download(stock: Stock, directory: Path, tell: Callable[[str], None]) -> Path:
    """The package with the image, out of the first suite that has it."""
    for number, suite in enumerate(stock.suites):
        place = directory / suite
        place.mkdir()
        try:
            apt = Apt(place, suite, stock.architecture)
            return apt.download(apt.kernel_package(stock.package))
        except UnavailableError as error:
            if suite == stock.suites[-1]:
                raise
            tell(f"{error}; taking the kernel of {stock.suites[number + 1]}, which may be older")
    raise AssertionError(stock)


def _unpack(package: Path, to: Path) -> None:
    """Write out the one kernel image that a package has."""
    with (
        subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as unpacking,
        tarfile.open(fileobj=unpacking.stdout, mode="r|") as archive,
    ):
        for member in archive:
            if member.isfile() and PurePosixPath(member.name).name.startswith("vmlinuz"):
                image = archive.extractfile(member)
                assert image is not None
                with to.open("wb") as file:
                    shutil.copyfileobj(image, file)
                unpacking.terminate()
                return
    raise UnavailableError(f"{package.name} has no kernel image")
