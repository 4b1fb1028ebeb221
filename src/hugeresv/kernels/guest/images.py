"""Kernel images: those in the cache, one directory a name with the images of its releases, and those of a path."""

import re
from pathlib import Path
from typing import NamedTuple

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.architecture import ARCHITECTURES, Architecture
from hugeresv.kernels.guest.cache import cache_directory, digest
from hugeresv.kernels.guest.image_header import read_image_header
from hugeresv.kernels.guest.stock import STOCK

PREFIX = "vmlinuz-"
CHECKSUM = "sha256-"


class Image(NamedTuple):
    """A kernel image: `name` is what follows `guest:`, `release` what uname(2) says on it."""

    name: str
    release: str
    path: Path

    @property
    def architecture(self) -> Architecture:
        """The machine that it is for. Raises InputError for a file that is no kernel."""
        return ARCHITECTURES[read_image_header(self.path).architecture]

    @property
    def version(self) -> str:
        """What uname(2) says beside the release. Raises InputError for a file that is no kernel."""
        return read_image_header(self.path).version

    @property
    def checksum(self) -> Path:
        """Where the SHA-256 of an image is that was fetched; no file beside one that was put there otherwise."""
        return self.path.with_name(f"{CHECKSUM}{self.release}")

    def whole(self) -> Path:
        """Its path. Raises UnavailableError where it is not what was fetched any more."""
        try:
            known = self.checksum.read_text().strip()
            content = self.path.read_bytes() if known else b""
        except FileNotFoundError:
            return self.path
        except OSError as error:
            raise UnavailableError(f"{self.path}: cannot be read: {error.strerror}") from None
        if known != digest(content).hex():
            remedy = f"`hugeresv kernels fetch {self.name}` gets it again"
            raise UnavailableError(f"{self.path} is damaged: it is not what was fetched; {remedy}")
        return self.path

    @property
    def series(self) -> str:
        """The first two numbers of the release: `6.1`."""
        return ".".join(re.split(r"[.-]", self.release)[:2])


def images() -> list[Image]:
    """All that are in the cache, by name, the newest release of each name last."""
    found = [
        Image(path.parent.name, path.name.removeprefix(PREFIX), path)
        for path in cache_directory("kernels").glob(f"*/{PREFIX}*")
    ]
    return sorted(found, key=lambda image: (_numbers(image.name), image.name, _numbers(image.release)))


def find_image(name: str) -> Image:
    """The image that a name stands for: one of the cache by its name or by its version, the newest; else a path's.

    Raises UnavailableError where there is none, InputError for a file that is no kernel.
    """
    if "/" in name:
        return _image_of_path(name)
    cached = images()
    found = [image for image in cached if image.name == name] or [image for image in cached if image.series == name]
    if not found:
        names = ", ".join(dict.fromkeys(image.name for image in cached)) or "none"
        raise UnavailableError(
            f"guest:{name}: there is no such kernel in {cache_directory('kernels')} (there: {names}); "
            + (
                f"`hugeresv kernels fetch {name}` gets it"
                if name in STOCK
                else "guest:PATH takes an image from anywhere"
            )
        )
    return found[-1]


def _image_of_path(name: str) -> Image:
    path = Path(name)
    if not path.is_file():
        raise UnavailableError(f"guest:{name}: there is no such file")
    return Image(name, read_image_header(path).release, path)


def _numbers(release: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"[0-9]{1,9}", release)]
