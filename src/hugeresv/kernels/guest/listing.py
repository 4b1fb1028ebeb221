"""The kernels that guests can run: what the cache has, and what can be fetched."""

from typing import NamedTuple

from hugeresv.kernels.guest.images import images
from hugeresv.kernels.guest.stock import STOCK
from hugeresv.model.presets import PRESETS


class KernelEntry(NamedTuple):
    """A kernel by what follows `guest:`. `release` is None for one that can be fetched and is not in the cache.

    `behaviour` is the model's name for its rules, None where the model has none.
    """

    name: str
    release: str | None
    architecture: str
    behaviour: str | None


def kernel_entries() -> list[KernelEntry]:
    """The newest release of every name in the cache, then what can be fetched. Raises InputError for a broken image."""
    newest = {image.name: image for image in images()}
    cached = [
        KernelEntry(image.name, image.release, image.architecture.name, _behaviour(image.version))
        for image in newest.values()
    ]
    fetchable = [
        KernelEntry(name, None, stock.architecture, _behaviour(name.partition("-")[0]))
        for name, stock in STOCK.items()
        if name not in newest
    ]
    return cached + fetchable


def _behaviour(version: str) -> str | None:
    return version if version in PRESETS else None
