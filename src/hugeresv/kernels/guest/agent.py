"""The agent's program, compiled when it is first needed."""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.architecture import Architecture
from hugeresv.kernels.guest.cache import cache_directory, written

_DIRECTORY = Path(__file__).parent
_FLAGS = ("-static", "-O2", "-D_FILE_OFFSET_BITS=64")


def agent_program(architecture: Architecture) -> bytes:
    """The agent as a static program. Raises UnavailableError where it cannot be compiled."""
    digest = hashlib.sha256(repr((_FLAGS, architecture)).encode())
    for source in sorted(_DIRECTORY.glob("*.[ch]")):
        digest.update(source.read_bytes())
    program = cache_directory("agents") / f"{architecture.name}-{digest.hexdigest()[:16]}"
    if not program.exists():
        with written(program.parent):
            _compile(program, architecture)
    return program.read_bytes()


def _compile(program: Path, architecture: Architecture) -> None:
    """Compile beside the place and move it there, so that nobody ever sees half a program."""
    descriptor, unfinished = tempfile.mkstemp(dir=program.parent)
    os.close(descriptor)
    sources = sorted(map(str, _DIRECTORY.glob("*.c")))
    command = ("cc", *architecture.compiler_flags, *_FLAGS, "-o", unfinished, *sources)
    advice = f"on Debian: apt-get install {architecture.compiler_packages}"
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
        Path(unfinished).replace(program)
    except FileNotFoundError:
        raise UnavailableError(f"guests need a C compiler for their agent, and there is no cc; {advice}") from None
    except subprocess.CalledProcessError as error:
        raise UnavailableError(
            f"the agent of guests cannot be compiled for {architecture.name}; it needs a C library to link statically "
            f"({advice}): {error.stderr.strip()}"
        ) from None
    finally:
        Path(unfinished).unlink(missing_ok=True)
