"""Scenario files: read and written by their suffix, `.json`, `.jsonl` or `.scn`."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from hugeresv.errors import InputError
from hugeresv.regular_file import open_regular, replace_file
from hugeresv.scenario.json_format import format_json, format_jsonl, parse_json, parse_jsonl
from hugeresv.scenario.packaged import SUFFIXES
from hugeresv.scenario.scenario import Scenario
from hugeresv.scenario.scn_format import format_scn, parse_scn

_MODE_OF_NEW = 0o666


def load(path: Path) -> list[Scenario]:
    """The scenarios in a file: one, or as many as a `.jsonl` file has lines.

    Raises InputError, naming the file and the line or step, when it cannot be read or is wrong.
    """
    _check_suffix(path)
    try:
        with open_regular(path) as file:
            text = file.read().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}") from None
    if path.suffix == ".jsonl":
        return parse_jsonl(text, str(path))
    return [parse_scn(text, str(path)) if path.suffix == ".scn" else parse_json(text, str(path))]


def dump(scenarios: Sequence[Scenario], path: Path) -> None:
    """Writes scenarios to a file, whole or not at all: at every moment the file holds either the old text or the new.

    Raises InputError when the file cannot be written, or cannot hold that many scenarios.
    """
    _check_place(path)
    try:
        where = path.resolve()
        mode = stat.S_IMODE(where.stat().st_mode) if where.exists() else _MODE_OF_NEW & ~_umask()
        replace_file(where, to_text(scenarios, path.suffix).encode(), mode)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


def try_dump(path: Path) -> None:
    """Raise InputError now where `dump` would, before minutes are spent on what is to be written."""
    import tempfile

    _check_place(path)
    try:
        tempfile.TemporaryFile(dir=path.resolve().parent).close()
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


def to_text(scenarios: Sequence[Scenario], suffix: str) -> str:
    """What a file with one of our suffixes holds. Raises InputError when it cannot hold that many scenarios."""
    if suffix == ".jsonl":
        return format_jsonl(scenarios)
    if len(scenarios) != 1:
        raise InputError(f"a {suffix} file holds one scenario, not {len(scenarios)}; a .jsonl file holds any number")
    return format_scn(scenarios[0]) if suffix == ".scn" else format_json(scenarios[0])


def scenario_id(scenario: Scenario, path: Path) -> str:
    """The scenario's `id`, or else the name of its file without the suffix."""
    return path.stem if scenario.id is None else scenario.id


def _check_suffix(path: Path) -> None:
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: expected a name that ends in {', '.join(SUFFIXES)}")


def _check_place(path: Path) -> None:
    _check_suffix(path)
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: cannot be written: it is not a regular file; name a regular file")


def _umask() -> int:
    """The bits that this process takes off the mode of new files; they can only be read by setting them."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
