"""Fetching stock kernels: what is read of the machine's apt, and what is made of what apt says."""

import fcntl
import os
import shutil
import tarfile
from pathlib import Path
from threading import Event, Thread

import pytest

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest import apt, cache, fetch
from hugeresv.kernels.guest.apt_sources import mirror_of
from hugeresv.kernels.guest.images import find_image

_DEB822 = """\
# comment
Types: deb
URIs: http://main.example/debian
Suites: bookworm
# between the lines of a field
 bookworm-updates
Components: main

Types: deb deb-src
URIs: http://security.example/debian-security
Suites: bookworm-security

Enabled: no
Types: deb
URIs: http://off.example
Suites: trixie
"""


def test_mirrors_are_found_in_both_formats(tmp_path: Path) -> None:
    """The mirror of a suite is read from one-line and deb822 sources.

    Catches: the security mirror asked for other packages, a stranger's repository, a disabled source or one of sources.
    """
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (parts / "a-vendor.list").write_text("deb [arch=amd64 signed-by=/k.gpg] https://vendor.example/apt stable-9 main\n")
    (parts / "debian.sources").write_text(_DEB822)
    assert mirror_of("trixie-backports", tmp_path) == "http://main.example/debian"
    assert mirror_of("bullseye-security", tmp_path) == "http://security.example/debian-security"
    (tmp_path / "sources.list").write_text(
        "# deb http://no.example bookworm main\ndeb-src http://src.example bookworm main\n"
        "deb [ arch=amd64 ] http://first.example/debian bookworm main\n"
    )
    assert mirror_of("trixie", tmp_path) == "http://first.example/debian"
    assert mirror_of("trixie-security", tmp_path) == "http://security.example/debian-security"


def test_a_machine_without_debian(tmp_path: Path) -> None:
    """Where no source is Debian's, the suite is named as having no mirror.

    Catches: a suite of Debian asked of another distribution's mirror.
    """
    (tmp_path / "sources.list").write_text("deb http://archive.example/ubuntu noble main\n")
    with pytest.raises(UnavailableError, match="no mirror of Debian for trixie"):
        mirror_of("trixie", tmp_path)


def _program(directory: Path, name: str, text: str) -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache and a PATH with nothing in them, but the programs that the tests put there."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    keys = tmp_path / "keys"
    keys.touch()
    monkeypatch.setattr(apt, "_KEYRING", keys)
    monkeypatch.setattr(apt, "mirror_of", lambda suite: f"http://mirror.example/{suite}")
    return programs


def _silent(line: str) -> None:
    pass


def _left_in_cache() -> list[str]:
    return [str(path) for path in Path(os.environ["XDG_CACHE_HOME"]).rglob("*") if path.is_file()]


def test_what_is_wanting_is_named(machine: Path) -> None:
    """Where dpkg or apt is missing, the command that installs it is named, and the cache is empty.

    Catches: a traceback where there is no dpkg or no apt; anything left of the attempt.
    """
    with pytest.raises(UnavailableError, match="apt-get install dpkg"):
        fetch.fetch("6.1", _silent)
    _program(machine, "dpkg-deb", "")
    with pytest.raises(UnavailableError, match="apt-get install apt"):
        fetch.fetch("6.1", _silent)
    assert _left_in_cache() == []


def test_a_mirror_that_does_not_answer(machine: Path) -> None:
    """The error has what apt said, without the name or address of the mirror.

    Catches: an error that does not say what happened, or says it with the name of a host.
    """
    _program(machine, "dpkg-deb", "")
    _program(machine, "apt-config", "")
    _program(
        machine,
        "apt-get",
        "(echo 'W: old'; echo 'E: Failed to fetch http://mirror.example/x/InRelease  No route [IP: 192.0.2.1 80]') >&2;"
        "exit 100",
    )
    with pytest.raises(UnavailableError) as error:
        fetch.fetch("7.x", _silent)
    assert str(error.value) == (
        "apt-get update for trixie-backports failed: Failed to fetch (the mirror)  No route (the mirror)"
    )
    assert _left_in_cache() == []


def test_the_image_comes_out_of_its_package(machine: Path, tmp_path: Path) -> None:
    """A suite without the kernel is told of; a damaged image is not started.

    Catches: an older kernel in silence; a linux-image without an image; another file of its name.
    """
    image = bytearray(0x300)
    image[0x202:0x206], image[0x20E:0x210], image[0x280:0x28A] = b"HdrS", b"\x80\x00", b"7.3.4-test "
    files = {"boot/config-7.3.4": b"x", "usr/lib/modules/7.3.4-test/vmlinuz": bytes(image)}
    with tarfile.open(tmp_path / "files.tar", "w") as archive:
        for name, content in files.items():
            (tmp_path / "content").write_bytes(content)
            archive.add(tmp_path / "content", name)
    listing = "linux-image-amd64\\nlinux-image-7.3.4\\n  Depends: linux-binary-7.3.4\\nlinux-binary-7.3.4\\nlinux-base"
    _program(machine, "dpkg-deb", f"{shutil.which('cat', path='/bin:/usr/bin')} {tmp_path / 'files.tar'}")
    _program(machine, "apt-config", "")
    _program(machine, "apt-cache", f"printf '{listing}\\n'")
    _program(
        machine,
        "apt-get",
        'case "$3,$PWD" in update,*-security) exit 100;; download,*) echo "$4" > "$4.deb"; echo "$4" > '
        f"{tmp_path / 'asked'};; esac",
    )
    told: list[str] = []
    found = fetch.fetch("6.1", told.append)
    assert (tmp_path / "asked").read_text() == "linux-binary-7.3.4\n"
    assert (found.release, found.path.read_bytes()) == ("7.3.4-test", bytes(image))
    assert sorted(_left_in_cache()) == [str(found.checksum), str(found.path)]
    assert [line.partition(";")[2] for line in told] == [" taking the kernel of bookworm, which may be older"]
    found.path.write_bytes(bytes(image[:-1]))
    with pytest.raises(UnavailableError, match=r"is damaged.*kernels fetch 6\.1"):
        find_image("6.1").whole()


def test_what_a_killed_fetch_left_is_removed(tmp_path: Path) -> None:
    """What a killed fetch left is removed, and what another fetch holds stays.

    Catches: a package that stays in the cache for good; one that another process is fetching taken from under it.
    """
    for name in (".fetch-killed", ".fetch-going-on"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "package.deb").touch()
    holder = os.open(tmp_path / ".fetch-going-on", os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    fetch.clear_left_behind(tmp_path)
    os.close(holder)
    assert [path.name for path in tmp_path.iterdir()] == [".fetch-going-on"]


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that cannot be written is an error that names XDG_CACHE_HOME.

    Catches: a traceback where the home directory is read-only.
    """
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(fetch, "require", lambda *_: None)
    with pytest.raises(UnavailableError, match=r"cannot be written.*XDG_CACHE_HOME"):
        fetch.fetch("6.1", _silent)


CARELESS = """\
APT::Get::AllowUnauthenticated "true";
Acquire::AllowInsecureRepositories "true";
Acquire::AllowWeakRepositories "true";
Acquire::http::Proxy "http://proxy.example:3128";
"""


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="needs apt")
def test_the_machine_does_not_switch_signatures_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirror without a signature is refused, whatever apt.conf says. Catches: settings of the machine taken over."""
    suite = tmp_path / "mirror/dists/trixie-backports"
    (suite / "main/binary-amd64").mkdir(parents=True)
    (suite / "main/binary-amd64/Packages").touch()
    empty = "d41d8cd98f00b204e9800998ecf8427e 0 main/binary-amd64/Packages"
    (suite / "Release").write_text(f"Suite: trixie-backports\nCodename: trixie-backports\nMD5Sum:\n {empty}\n")
    careless = tmp_path / "apt.conf"
    careless.write_text(CARELESS)
    (tmp_path / "keys").touch()
    (tmp_path / "apt").mkdir()
    monkeypatch.setenv("APT_CONFIG", str(careless))
    monkeypatch.setattr(apt, "_KEYRING", tmp_path / "keys")
    monkeypatch.setattr(apt, "mirror_of", lambda _: f"file:{tmp_path}/mirror")
    with pytest.raises(UnavailableError, match="is not signed"):
        apt.Apt(tmp_path / "apt", "trixie-backports", "amd64")
    assert "proxy.example" in (tmp_path / "apt/apt.conf").read_text()


def test_root_leaves_nothing_in_the_cache_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sudo -E` keeps the home of the user. Catches: a cache of root's in it, which its owner cannot write."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    os.chown(tmp_path, 1, 1)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not cache.cache_directory("kernels").is_relative_to(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(UnavailableError, match="belongs to user 1"), cache.written(cache.cache_directory("kernels")):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_fetch_holds_its_directory_against_another(tmp_path: Path) -> None:
    """Two fetches may go on at once. Catches: one that removes the other's package, because both share the lock."""
    (tmp_path / ".fetch-mine").mkdir()
    with fetch._held(tmp_path / ".fetch-mine"):
        fetch.clear_left_behind(tmp_path)
        assert (tmp_path / ".fetch-mine").is_dir()
    fetch.clear_left_behind(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_packages_are_signed_with_debians_key(machine: Path, tmp_path: Path) -> None:
    """Only what Debian's key has signed is taken. Catches: a source that is trusted whoever has signed it."""
    _program(machine, "dpkg-deb", "")
    _program(machine, "apt-config", "")
    _program(machine, "apt-get", f'read -r line < sources.list; echo "$line" >> {tmp_path}/lines; exit 100')
    with pytest.raises(UnavailableError):
        fetch.fetch("7.x", _silent)
    assert (tmp_path / "lines").read_text() == (
        f"deb [signed-by={tmp_path}/keys] http://mirror.example/trixie-backports trixie-backports main\n"
    )


def test_two_fetches_at_once_leave_each_other_alone(tmp_path: Path) -> None:
    """A fetch that has made its directory and does not hold it yet is waited for.

    Catches: the directory of a fetch that has just begun, removed as left behind by a killed one.
    """
    made = Event()

    def another() -> None:
        with fetch._own_directory(tmp_path):
            made.set()

    with fetch._held(tmp_path):  # as a fetch between making its directory and holding it
        begun = tmp_path / f"{fetch._PREFIX}begun"
        begun.mkdir()
        other = Thread(target=another)
        other.start()
        assert not made.wait(0.2)
        assert begun.is_dir()
        begun.rmdir()
    other.join(10)
    assert made.is_set()
