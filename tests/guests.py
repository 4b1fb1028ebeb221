"""Guests for tests: a test that needs one is skipped with the reason where it cannot be had."""

import shutil

import pytest

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.fetch import fetch
from hugeresv.kernels.guest.images import find_image

PROGRAMS = ("qemu-system-x86_64", "cc")


def need_guest(name: str) -> None:
    """See that guest:NAME, a stock kernel, can be run; a kernel that is not in the cache yet is fetched."""
    for program in PROGRAMS:
        if shutil.which(program) is None:
            pytest.skip(f"guest:{name} needs {program}")
    try:
        find_image(name)
    except UnavailableError:
        try:
            fetch(name, lambda _: None)
        except UnavailableError as error:
            pytest.skip(f"guest:{name}: {error}")
