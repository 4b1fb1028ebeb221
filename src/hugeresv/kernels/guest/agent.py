"""The agent's program, compiled when it is first needed."""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.cache import cache_directory

_SOURCE = Path(__file__).with_name("agent.c")


def agent_program() -> bytes:
    """The agent as a static program. Raises UnavailableError where it cannot be compiled."""
    digest = hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]
    program = cache_directory("agents") / digest
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        _compile(program)
    return program.read_bytes()


def _compile(program: Path) -> None:
    """Compile beside the place and move it there, so that nobody ever sees half a program."""
    descriptor, unfinished = tempfile.mkstemp(dir=program.parent)
    os.close(descriptor)
    command = ("cc", "-static", "-O2", "-o", unfinished, str(_SOURCE))
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
        Path(unfinished).replace(program)
    except FileNotFoundError:
        raise UnavailableError(
            "guests need a C compiler for their agent, and there is no cc; on Debian: apt-get install gcc libc6-dev"
        ) from None
    except subprocess.CalledProcessError as error:
        raise UnavailableError(
            f"the agent of guests cannot be compiled; it needs a C library to link statically: {error.stderr.strip()}"
        ) from None
    finally:
        Path(unfinished).unlink(missing_ok=True)
