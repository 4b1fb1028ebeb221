"""An apt of our own: the machine's mirrors and keys, but lists, cache and status in a directory that is thrown away.

Nothing of the machine's apt changes, and root is not needed. Of the machine's settings only those are taken over that
say how mirrors are reached: others could switch the check of signatures off.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.apt_sources import mirror_of

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_URI = re.compile(r"\b[a-z]+://\S+|\[IP: [^]]*\]")

_REACHING = re.compile(r"Acquire::(?:https?|Retries|ForceIPv[46])\b[^\n]*;")

_WITHOUT_THE_MACHINES = """\
Dir::Etc::Main "/dev/null";
Dir::Etc::Parts "/dev/null";
"""

_CONFIGURATION = """\
{reaching}
Dir::Etc::SourceList "{directory}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State "{directory}/state";
Dir::State::Status "{directory}/status";
Dir::Cache "{directory}/cache";
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
APT::Get::AllowUnauthenticated "false";
"""


class Apt:
    """The packages of one suite for one architecture."""

    def __init__(self, directory: Path, suite: str, architecture: str) -> None:
        """Get the suite's list, with `directory`, which is empty, to keep it in.

        Raises UnavailableError where there is no apt, no mirror of Debian, or the mirror does not have it.
        """
        require("apt-get", "apt")
        if not _KEYRING.exists():
            raise UnavailableError(f"Debian's keys are not here ({_KEYRING}): apt-get install debian-archive-keyring")
        self._suite = suite
        self._directory = directory
        self._options: tuple[str, ...] = ()
        self._environment = {**os.environ}
        settings = self._run("apt-config", "dump")
        reaching = "\n".join(line for line in settings.split("\n") if _REACHING.fullmatch(line))
        configuration = _CONFIGURATION.format(reaching=reaching, directory=directory, architecture=architecture)
        (directory / "first.conf").write_text(_WITHOUT_THE_MACHINES)
        (directory / "apt.conf").write_text(configuration)
        self._options = ("--config-file", str(directory / "apt.conf"))
        self._environment = {**os.environ, "APT_CONFIG": str(directory / "first.conf")}
        (directory / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {mirror_of(suite)} {suite} main\n")
        (directory / "status").touch()
        for each in ("state/lists/partial", "cache/archives/partial"):
            (directory / each).mkdir(parents=True)
        self._run("apt-get", "update")

    def kernel_package(self, package: str) -> str:
        """The package with the image of the kernel that `package` stands for. From 7.0 on it is a linux-binary."""
        listing = self._run("apt-cache", "depends", "--recurse", "--important", package)
        named: list[str] = re.findall(r"^linux-(?:binary|image)-[0-9]\S*$", listing, re.MULTILINE)
        if not named:
            raise UnavailableError(f"{package} of {self._suite} depends on no kernel")
        return min(named)

    def download(self, package: str) -> Path:
        """Fetch a package: its .deb file, in the directory."""
        self._run("apt-get", "download", package)
        return next(self._directory.glob("*.deb"))

    def _run(self, program: str, *arguments: str) -> str:
        command = (program, *self._options, *arguments)
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=self._directory, env=self._environment
        )
        if done.returncode:
            raise UnavailableError(
                f"{program} {' '.join(arguments)} for {self._suite} failed: " + "; ".join(_errors(done.stderr))
            )
        return done.stdout


def require(program: str, package: str) -> None:
    """Raises UnavailableError, which says what to install, where there is no such program."""
    if shutil.which(program) is None:
        raise UnavailableError(
            f"fetching kernels needs {program}, which is not installed; on Debian: apt-get install {package}"
        )


def _errors(text: str) -> Iterator[str]:
    """What apt says is wrong, without the names of hosts."""
    for line in text.split("\n"):
        if line.startswith("E: "):
            yield _URI.sub("(the mirror)", line.removeprefix("E: ")).strip()
