"""The agent's program, compiled when it is first needed."""

import errno
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.architecture import Architecture
from hugeresv.kernels.guest.cache import cache_directory, digest, put, written

_DIRECTORY = Path(__file__).parent
_DIGEST_BYTES = 32
_COMPILING = "hugeresv-agent-"
"""How the names of directories begin in which an agent is compiled; the process ID follows."""
_FLAGS = ("-static", "-O2", "-D_FILE_OFFSET_BITS=64")


def agent_program(architecture: Architecture) -> bytes:
    """The agent as a static program. Raises UnavailableError where it cannot be compiled."""
    sources = hashlib.sha256(repr((_FLAGS, architecture)).encode())
    for source in sorted(_DIRECTORY.glob("*.[ch]")):
        sources.update(source.read_bytes())
    path = cache_directory("agents") / f"{architecture.name}-{sources.hexdigest()[:16]}"
    program = _cached(path)
    if program is None:
        program = _compile(architecture)
        with written(path.parent):
            put(path, program + digest(program))
    return program


def _cached(path: Path) -> bytes | None:
    """The program in a file that ends in its digest; None where there is none, or another than was put there."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    program, kept = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    return program if program and digest(program) == kept else None


def _compile(architecture: Architecture) -> bytes:
    remove_left_behind()
    sources = sorted(map(str, _DIRECTORY.glob("*.c")))
    advice = f"on Debian: apt-get install {architecture.compiler_packages}"
    with tempfile.TemporaryDirectory(prefix=f"{_COMPILING}{os.getpid()}-") as temporary:
        program = Path(temporary) / "agent"
        command = ("cc", *architecture.compiler_flags, *_FLAGS, "-o", str(program), *sources)
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
        except FileNotFoundError:
            raise UnavailableError(f"guests need a C compiler for their agent, and there is no cc; {advice}") from None
        except subprocess.CalledProcessError as error:
            why = f"it needs a C library to link statically ({advice})"
            if os.strerror(errno.ENOSPC) in error.stderr:
                why = f"there is no room in {temporary} (set TMPDIR to another directory)"
            raise UnavailableError(
                f"the agent of guests cannot be compiled for {architecture.name}; {why}: {error.stderr.strip()}"
            ) from None
        return program.read_bytes()


def remove_left_behind() -> None:
    """Remove what is left of compilations whose process was killed."""
    for directory in Path(tempfile.gettempdir()).glob(f"{_COMPILING}*"):
        process = directory.name.removeprefix(_COMPILING).partition("-")[0]
        if process.isdecimal() and not Path("/proc", process).exists():
            shutil.rmtree(directory, ignore_errors=True)
