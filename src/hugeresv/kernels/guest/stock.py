"""The kernels of Debian that can be fetched by name."""

from collections.abc import Mapping
from typing import NamedTuple


class Stock(NamedTuple):
    """A kernel that Debian builds: `package` depends on that of its current release.

    `suites` has first the one that is looked in first: security updates have the current kernel, in a short list.
    """

    package: str
    suites: tuple[str, ...]
    architecture: str = "amd64"


def _stable(package: str, suite: str, architecture: str = "amd64") -> Stock:
    return Stock(package, (f"{suite}-security", suite), architecture)


STOCK: Mapping[str, Stock] = {
    "5.10": _stable("linux-image-cloud-amd64", "bullseye"),
    "6.1": _stable("linux-image-cloud-amd64", "bookworm"),
    "6.1-i386": _stable("linux-image-686-pae", "bookworm", "i386"),
    "6.12": _stable("linux-image-cloud-amd64", "trixie"),
    "7.x": Stock("linux-image-cloud-amd64", ("trixie-backports",)),
}
"""By what follows `guest:`; 7.x is the newest there is."""
