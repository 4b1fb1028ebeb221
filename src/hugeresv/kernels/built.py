"""A kernel by what there is of it: a name, an image, or the tree that it was built in."""

from pathlib import Path

from hugeresv.errors import UnavailableError
from hugeresv.kernels.grammar import GUEST, HOST
from hugeresv.model.presets import PRESETS

IMAGES = ("arch/x86/boot/bzImage", "vmlinux")
"""Where a built tree has its image, the best first: a vmlinux starts only where it has a PVH entry."""


def kernel_name(text: str) -> str:
    """The name, as `grammar` reads it, of a behaviour, a guest, an image, or a tree of kernel sources that is built.

    Raises UnavailableError for a tree that is not, and for a path that leads nowhere.
    """
    name = text.partition(",")[0]
    if name in PRESETS or name == HOST or name.startswith(GUEST) or not is_path(name):
        return text
    if not Path(name).exists():
        raise UnavailableError(f"{text}: there is no such image and no such tree")
    path, options = Path(name).absolute(), text[len(name) :]
    if not path.is_dir():
        return f"{GUEST}{path}{options}"
    for image in IMAGES:
        if (path / image).is_file():
            return f"{GUEST}{path / image}{options}"
    raise UnavailableError(f"{text}: this tree has no {IMAGES[0]}: build it with `make bzImage`")


def is_path(name: str) -> bool:
    """Whether it is a file or a folder, or could be one: a word is the name of a kernel."""
    return "/" in name or (bool(name) and Path(name).exists())
