"""`hugeresv kernels`: what is there, and what can be had."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Hugeresv


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with one kernel of one's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    image = bytearray(0x300)
    image[0x202:0x206], image[0x20E:0x210], image[0x236], image[0x280:0x28A] = b"HdrS", b"\x80\x00", 1, b"6.18.9-me\0"
    mine = tmp_path / "hugeresv" / "kernels" / "mine"
    mine.mkdir(parents=True)
    (mine / "vmlinuz-6.18.9-me").write_bytes(image)
    return tmp_path


def test_what_is_there_and_what_can_be_fetched(hugeresv: Hugeresv, cache: Path) -> None:
    """The kernels of the cache come first, with release and behaviour, then those that can be fetched.

    Catches: a kernel that is listed as there and is not, or under a behaviour that is not its release's.
    """
    ran = hugeresv("kernels")
    assert (ran.status, ran.err) == (0, "")
    _, *rows = (line.split() for line in ran.out.splitlines())
    assert rows[0] == ["guest:mine", "6.18.9-me", "amd64", "6.18.15"]
    assert [row[0] for row in rows[1:]] == ["guest:5.10", "guest:6.1", "guest:6.1-i386", "guest:6.12", "guest:7.x"]
    assert all("hugeresv kernels fetch" in " ".join(row) for row in rows[1:])
    assert max(map(len, ran.out.splitlines())) <= 80
    listed = json.loads(hugeresv("kernels", "--json").out)
    assert listed["guest:mine"] == {
        "release": "6.18.9-me",
        "architecture": "amd64",
        "behaviour": "6.18.15",
        "evidence": "between",
    }
    assert listed["guest:6.1-i386"] == {
        "release": None,
        "architecture": "i386",
        "behaviour": "6.1",
        "evidence": None,
    }


def test_a_name_that_cannot_be_fetched(hugeresv: Hugeresv, cache: Path) -> None:
    """A name that there is not is refused with those that there are, status 2.

    Catches: a kernel that is not known, reported as a mirror's fault.
    """
    ran = hugeresv("kernels", "fetch", "6.3")
    assert ran.status == 2
    assert "'6.12', '7.x'" in ran.err


def test_one_that_fails_does_not_keep_the_others(
    hugeresv: Hugeresv, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each name is tried; the same reason is told once, and the status is 3.

    Catches: a fetch that stops at the first error, or does not tell of it in the exit status.
    """
    monkeypatch.setenv("PATH", str(cache))
    ran = hugeresv("kernels", "fetch", "6.1", "7.x")
    assert (ran.status, ran.out) == (3, "")
    assert ran.err.count("apt-get install dpkg") == 1
