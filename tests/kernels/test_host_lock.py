"""The lock file is opened as one that a stranger may have put there, or that HUGERESV_LOCK names by mistake."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from hugeresv.errors import UnavailableError
from hugeresv.kernels.host.lock import VARIABLE, held, lock_path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the lock is: not there yet, in a directory of ours, with something precious beside it."""
    (tmp_path / "victim").write_text("precious")
    return tmp_path / "lock"


def refused(path: Path, why: str) -> None:
    """The lock is refused, and the file beside it is as it was."""
    with pytest.raises(UnavailableError, match=why), held(str(path), "me"):
        pass
    assert (path.parent / "victim").read_text() == "precious"


def test_a_symbolic_link_is_refused(path: Path) -> None:
    """A link is not followed. Catches: a lock that creates or empties what it points to."""
    path.symlink_to(path.parent / "victim")
    refused(path, "cannot open the lock")


def test_a_second_name_of_a_file_is_refused(path: Path) -> None:
    """A file with two names is not the lock. Catches: a hard link that has us overwrite a file of ours."""
    path.hardlink_to(path.parent / "victim")
    refused(path, "not a regular file")


def test_a_fifo_is_refused(path: Path) -> None:
    """A FIFO is not the lock. Catches: an open that waits for its other end."""
    os.mkfifo(path)
    refused(path, "not a regular file")


def test_a_file_with_other_content_is_left_as_it_is(path: Path) -> None:
    """HUGERESV_LOCK may name any file by mistake. Catches: a file that is emptied because it was named."""
    for content in ("precious", "held by process 1\nprecious\n", "held by " + "x" * 400 + "\n"):
        path.write_text(content)
        refused(path, "other content")
        assert path.read_text() == content


def test_a_line_that_is_left_over_is_no_obstacle(path: Path) -> None:
    """A guardian that was killed leaves its line. Catches: a lock that nobody can take any more."""
    path.write_text("held by process 1, guarded by process 2\n")
    with held(str(path), "process 3"):
        assert path.read_text() == "held by process 3\n"


@pytest.mark.parametrize("change", [lambda path: path.chmod(0o777), lambda path: path.chmod(0o1777)])
def test_a_directory_of_everybody_is_refused(path: Path, change: Callable[[Path], None]) -> None:
    """Where others can make files they can hold the lock. Catches: `touch` by anybody that blocks root."""
    change(path.parent)
    refused(path, "other users can write")
    assert not path.exists()


@pytest.mark.parametrize("whose", ["directory", "file"])
def test_what_is_another_users_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch, whose: str) -> None:
    """Who owns the file, or its directory, can hold the lock for ever. Catches: an owner who is not looked at."""
    path.touch()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    if whose == "directory" and os.getuid() == 0:
        os.chown(path.parent, 65534, 65534)
    refused(path, "other users can write" if path.parent.stat().st_uid else "not a regular file of ours")


def test_it_is_private_and_free_afterwards(path: Path) -> None:
    """The file has mode 0600 whatever the umask is. Catches: who comes later reads an old holder's name."""
    with held(str(path), "process 1"):
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(UnavailableError, match="in use by process 1 "), held(str(path), "process 2"):
            pass
        assert path.read_text() == "held by process 1\n"
    assert path.read_text() == ""
    with held(str(path), "process 3"):
        pass


def test_who_waits_is_next(path: Path) -> None:
    """The lock is tried again for as long as the caller says. Catches: a wait that gives up, or tries once only."""
    with ExitStack() as first:
        first.enter_context(held(str(path), "process 1"))
        tries = iter([False, False, True])

        def try_again() -> bool:
            if next(tries):
                first.close()
            return True

        with held(str(path), "process 2", try_again):
            assert path.read_text() == "held by process 2\n"
    assert list(tries) == []


def test_the_environment_names_another(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HUGERESV_LOCK names the file; empty is not set. Catches: a variable that is ignored, or an empty path."""
    monkeypatch.setenv(VARIABLE, str(path))
    assert lock_path() == str(path)
    monkeypatch.setenv(VARIABLE, "")
    assert lock_path() == "/run/hugeresv/lock"
