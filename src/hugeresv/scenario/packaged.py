"""The scenarios that come with hugeresv, by name: `split-middle`, `history/H08-private-reservations-across-splits`."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_PLACES = (_PACKAGE / "scenarios", _PACKAGE.parents[1] / "scenarios")
"""Where a wheel has them, and where a checkout does."""

_SUFFIX = ".scn"
SUFFIXES = (_SUFFIX, ".json", ".jsonl")
"""What the names of scenario files end in."""


def packaged() -> dict[str, Path]:
    """Every name and its file or folder; the plain names first, then those of folders and what is in them.

    >>> [name for name, path in packaged().items() if path.is_dir()]
    ['behaviours', 'history']
    """
    root = next((place for place in _PLACES if place.is_dir()), _PLACES[0])
    paths = [path for path in root.rglob("*") if path.is_dir() or path.suffix == _SUFFIX]
    named = {path.relative_to(root).as_posix().removesuffix(_SUFFIX): path for path in paths}
    return dict(sorted(named.items(), key=lambda item: ("/" in item[0] or item[1].is_dir(), item[0])))


def located(path: Path) -> Path:
    """The path itself where a scenario can be there; else the packaged scenario of that name; else the path again.

    A file beside the caller that cannot be a scenario, `fork` made of `fork.c`, does not hide the packaged one.
    """
    can_be_one = path.is_dir() or path.suffix in SUFFIXES
    if can_be_one and (path.exists() or path.is_symlink()):
        return path
    return packaged().get(str(path), path)
