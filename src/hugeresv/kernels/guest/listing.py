"""The kernels that guests can run: what the cache has, and what can be fetched."""

from typing import NamedTuple

from hugeresv.errors import InputError, UnavailableError
from hugeresv.kernels.guest.images import Image, images
from hugeresv.kernels.guest.stock import STOCK, Stock
from hugeresv.model.presets import PRESETS
from hugeresv.model.release import Evidence, closest

_UNKNOWN = "unknown"


class KernelEntry(NamedTuple):
    """A kernel by what follows `guest:`. `release` is None for one that can be fetched and is not in the cache.

    `behaviour` is the model's name for its rules, None where its release is not known; `evidence` why it is that one,
    None where the release is not known. `problem` says why an image of the cache cannot be started.
    """

    name: str
    release: str | None
    architecture: str
    behaviour: str | None
    evidence: Evidence | None
    problem: str | None = None


def kernel_entries() -> list[KernelEntry]:
    """The newest release of every name in the cache, then what can be fetched."""
    newest = {image.name: image for image in images()}
    fetchable = [_fetchable(name, stock) for name, stock in STOCK.items() if name not in newest]
    return [*map(_cached, newest.values()), *fetchable]


def guest_names() -> list[str]:
    """The names of the cache, then those that can be fetched; of the latter alone where a user has no cache."""
    try:
        cached = [image.name for image in images()]
    except UnavailableError:
        cached = []
    return list(dict.fromkeys([*cached, *STOCK]))


def _cached(image: Image) -> KernelEntry:
    try:
        architecture = image.architecture.name
        behaviour, evidence = closest(image.release, image.version)
    except InputError as error:
        return KernelEntry(image.name, image.release, _UNKNOWN, None, None, str(error))
    return KernelEntry(image.name, image.release, architecture, behaviour.name, evidence)


def _fetchable(name: str, stock: Stock) -> KernelEntry:
    series = name.partition("-")[0]
    return KernelEntry(name, None, stock.architecture, series if series in PRESETS else None, None)
