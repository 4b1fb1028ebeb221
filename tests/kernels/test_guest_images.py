"""Kernels in the cache, and what is said where something is wanting."""

from pathlib import Path

import pytest

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest import agent, qemu
from hugeresv.kernels.guest.images import find_image
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.guest.memory import Ram


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "hugeresv" / "kernels"


def _put(directory: Path, *files: str) -> None:
    directory.mkdir(parents=True)
    for file in files:
        (directory / file).touch()


def test_the_newest_release_is_taken(cache: Path) -> None:
    """Releases in the order of their letters, in which 6.1.9 is newer than 6.1.10."""
    _put(cache / "6.1", "vmlinuz-6.1.0-9-cloud", "vmlinuz-6.1.0-56-cloud", "config-6.1.0-99-cloud")
    assert find_image("6.1").release == "6.1.0-56-cloud"


def test_expectations_are_those_of_the_release(cache: Path) -> None:
    """A kernel of one's own under a name of one's own, held against nothing."""
    _put(cache / "mine", "vmlinuz-6.12.9-dirty")
    assert GuestKernel("mine").expectation_names == ("6.12", "guest:mine")


def test_a_kernel_that_is_not_in_the_cache(cache: Path) -> None:
    """A name that leads out of the cache, or an error that does not say where a kernel is looked for."""
    _put(cache / "6.1", "vmlinuz-6.1.0-56-cloud")
    with pytest.raises(UnavailableError, match=r"hugeresv/kernels/6\.12; put one there as vmlinuz-RELEASE"):
        GuestKernel("6.12")
    with pytest.raises(UnavailableError):
        GuestKernel("../kernels/6.1")


def test_what_is_wanting_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback where there is no emulator or no compiler."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="apt-get install gcc"):
        agent.agent_program()
    with pytest.raises(UnavailableError, match="apt-get install qemu-system-x86"):
        qemu.Emulator((), Ram(1 << 20))
    assert list((tmp_path / "hugeresv" / "agents").iterdir()) == []
