"""Kernels in the cache, and what is said where something is wanting."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hugeresv.errors import InputError, UnavailableError
from hugeresv.kernels.guest import agent, qemu
from hugeresv.kernels.guest.architecture import ARCHITECTURES
from hugeresv.kernels.guest.image_header import read_image_header
from hugeresv.kernels.guest.images import find_image
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.guest.listing import kernel_entries
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
    """Of several releases of one name the newest by number is taken.

    Catches: releases in the order of their letters, in which 6.1.9 is newer than 6.1.10.
    """
    _put(cache / "6.1", "vmlinuz-6.1.0-9-cloud", "vmlinuz-6.1.0-56-cloud", "config-6.1.0-99-cloud")
    assert find_image("6.1").release == "6.1.0-56-cloud"


def test_expectations_are_those_of_the_release(cache: Path) -> None:
    """What a scenario expects of a release is expected of a guest, whatever its name.

    Catches: a kernel of one's own that is held against nothing, or against a later stable release of its series.
    """
    _put(cache / "mine")
    for release, names in (
        (b"6.12.118-dirty", ("6.12",)),
        (b"6.12.115-dirty", ("6.12", "6.12.117")),
        (b"6.1.0-47-cloud (x@y) #1 SMP Debian 6.1.187-3 (2026-04-01)", ("6.1", "6.1.187")),
        (b"6.17.13", ("6.18", "6.18.15", "6.17")),
    ):
        (cache / "mine" / f"vmlinuz-{release.partition(b' ')[0].decode()}").write_bytes(_bzimage(release + b"\0", 1))
        assert GuestKernel("mine").expectation_names == (*names, "guest:mine")
        (cache / "mine" / f"vmlinuz-{release.partition(b' ')[0].decode()}").unlink()


def test_a_kernel_that_is_not_in_the_cache(cache: Path) -> None:
    """A name that is not in the cache is told with the cache, what is there, and the command that fetches it.

    Catches: a name that leads out of the cache, or an error that does not say where a kernel is looked for.
    """
    _put(cache / "6.1", "vmlinuz-6.1.0-56-cloud")
    with pytest.raises(UnavailableError, match=r"hugeresv/kernels \(there: 6\.1\); `hugeresv kernels fetch 6\.12`"):
        GuestKernel("6.12")
    with pytest.raises(UnavailableError, match="no such file"):
        GuestKernel("../kernels/6.1")


def test_a_kernel_is_found_by_its_version(cache: Path) -> None:
    """A kernel is found by its name first, then by its version.

    Catches: 7.3 that is not found because it came as 7.x; a version that takes the place of a name.
    """
    _put(cache / "7.x", "vmlinuz-7.3.4+deb13-cloud-amd64")
    _put(cache / "6.1", "vmlinuz-7.3.1-mine")
    assert find_image("7.3").name == "7.x"
    assert find_image("6.1").release == "7.3.1-mine"


def _bzimage(release: bytes, xloadflags: int) -> bytes:
    """A boot sector with the fields of Documentation/arch/x86/boot.rst that are read."""
    header = bytearray(0x300)
    header[0x202:0x206] = b"HdrS"
    header[0x20E:0x210] = (0x80).to_bytes(2, "little")
    header[0x236] = xloadflags
    header[0x280 : 0x280 + len(release)] = release
    return bytes(header)


def test_an_image_is_named_by_its_path(tmp_path: Path) -> None:
    """Release and machine of an image are read from its header.

    Catches: a release that is taken from the name of the file, or a machine that is not the image's.
    """
    path = tmp_path / "bzImage"
    path.write_bytes(_bzimage(b"6.18.2-test (me@here) #1\0", 0b11))
    assert GuestKernel(str(path)).expectation_names == ("6.18", "6.18.15", f"guest:{path}")
    assert read_image_header(path).architecture == "amd64"
    path.write_bytes(_bzimage(b"6.1.0 (me@here)\0", 0))
    assert read_image_header(path) == ("6.1.0", "(me@here)", "i386")
    path.write_bytes(b"\x7fELF\x02" + bytes(20) + b"Linux version %s (%s)\0Linux version 6.9.0-rc1 (me@here)\0")
    assert read_image_header(path) == ("6.9.0-rc1", "(me@here)", "amd64")


@pytest.mark.parametrize("content", [b"", b"MZ", b"\x7fELF", bytes(4096)])
def test_a_file_that_is_no_kernel(tmp_path: Path, content: bytes) -> None:
    """A file that is no kernel is refused by its path before anything boots.

    Catches: a traceback, or half a minute of an emulator that shows nothing.
    """
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(InputError, match=str(path)):
        GuestKernel(str(path))
    with pytest.raises(UnavailableError, match="no such file"):
        GuestKernel(str(tmp_path))


def test_what_is_wanting_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the compiler or the emulator is missing, the package that has it is named.

    Catches: a traceback where there is no emulator or no compiler.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="apt-get install gcc"):
        agent.agent_program(ARCHITECTURES["amd64"])
    with pytest.raises(UnavailableError, match="apt-get install qemu-system-x86"):
        qemu.Emulator((), Ram(1 << 20))
    assert not (tmp_path / "hugeresv").exists()


def _compiler(directory: Path, script: str) -> None:
    (directory / "cc").write_text(f"#!/bin/sh\n{script}\n")
    (directory / "cc").chmod(0o755)


@pytest.mark.parametrize("damage", [lambda _: b"", lambda program: program[:-40], lambda program: program + b"x"])
def test_a_damaged_agent_is_built_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes]
) -> None:
    """A machine that lost power. Catches: an agent that is empty or cut, for good."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    _compiler(tmp_path, 'while [ "$1" != -o ]; do shift; done; echo the program of the agent, which is long > "$2"')
    program = agent.agent_program(ARCHITECTURES["amd64"])
    (path,) = (tmp_path / "hugeresv/agents").iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert agent.agent_program(ARCHITECTURES["amd64"]) == program == b"the program of the agent, which is long\n"
    _compiler(tmp_path, "exit 1")
    assert agent.agent_program(ARCHITECTURES["amd64"]) == program


def test_a_compilation_that_was_killed_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next start removes the directory of a process that is gone, and no other. Catches: a full TMPDIR."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with subprocess.Popen(["true"]) as gone:
        pass
    for name in (f"hugeresv-agent-{gone.pid}-x", f"hugeresv-agent-{os.getpid()}-x", "hugeresv-agent-x"):
        (tmp_path / name).mkdir()
    agent.remove_left_behind()
    assert {path.name for path in tmp_path.iterdir()} == {f"hugeresv-agent-{os.getpid()}-x", "hugeresv-agent-x"}


def test_a_full_disk_is_no_missing_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that finds no room is told as a full disk, with TMPDIR.

    Catches: the advice to install a C library, where there is no room for what the compiler writes.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    _compiler(tmp_path, "echo 'ld: final link failed: No space left on device' >&2; exit 1")
    with pytest.raises(UnavailableError, match=r"no room in .*TMPDIR") as caught:
        agent.agent_program(ARCHITECTURES["amd64"])
    assert "apt-get" not in str(caught.value)


def test_a_damaged_image_hides_no_other(cache: Path) -> None:
    """A damaged image is listed with its problem, the others as they are.

    Catches: an empty image because of which `hugeresv kernels` lists nothing.
    """
    _put(cache / "6.1", "vmlinuz-6.1.0-56-cloud")
    _put(cache / "mine")
    (cache / "mine/vmlinuz-6.18.2").write_bytes(_bzimage(b"6.18.2-test (me@here) #1\0", 0b11))
    entries = {entry.name: entry for entry in kernel_entries()}
    assert entries["6.1"].problem == f"{cache}/6.1/vmlinuz-6.1.0-56-cloud: is empty"
    assert (entries["mine"].behaviour, entries["mine"].problem) == ("6.18.15", None)
