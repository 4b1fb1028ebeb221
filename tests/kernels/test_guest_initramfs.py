"""The archive that a guest starts from."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hugeresv.kernels.guest.initramfs import initramfs


@pytest.mark.parametrize("size_bytes", [0, 1, 2, 3, 4])
def test_every_header_begins_at_a_multiple_of_four(size_bytes: int) -> None:
    """Headers and the end of the archive are at multiples of four, whatever the sizes.

    Catches: padding that is wrong for some sizes: a kernel finds no magic number there, and has no init.
    """
    archive = initramfs({"init": b"x" * size_bytes, "other": b"y"})
    headers = [place for place in range(len(archive)) if archive.startswith(b"070701", place)]
    assert len(headers) == 3
    assert all(place % 4 == 0 for place in [*headers, len(archive)])


def test_another_program_reads_it(tmp_path: Path) -> None:
    """cpio unpacks the archive with contents and modes.

    Catches: fields in another order than the format's, which our own reader would have wrong alike.
    """
    if shutil.which("cpio") is None:
        pytest.skip("needs cpio")
    archive = initramfs({"init": b"#!/bin/true\n", "other": b"odd"})
    subprocess.run(["cpio", "-i", "--quiet"], input=archive, cwd=tmp_path, check=True)
    assert (tmp_path / "init").read_bytes() == b"#!/bin/true\n"
    assert (tmp_path / "init").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "other").read_bytes() == b"odd"
