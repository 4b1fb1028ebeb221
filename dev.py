#!/usr/bin/env python3
"""Everything that is done in a checkout: python3 dev.py COMMAND [ARGUMENT ...].

What a command needs is installed first, into .venv, by the hashes in requirements.lock; again only when that file or
pyproject.toml has changed. This file uses the standard library alone, and nothing newer than Python 3.6: an old Python
gets as far as finding a newer one.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
NEWER = ("python3.15", "python3.14", "python3.13", "python3.12", "python3.11")

ROOT = Path(__file__).resolve().parent
BIN = ROOT / ".venv" / "bin"
STAMP = ROOT / ".venv" / "installed"
"""The digest of what was installed last, completely."""


def demo(arguments: "list[str]") -> int:
    """Draw a scenario as it should go, and as it went before June 2008; arguments go to one `hugeresv run` instead."""
    scenario = "split-middle"
    runs = [arguments] if arguments else [[scenario], ["--on", "count-in-vma", scenario]]
    return max(run(BIN / "hugeresv", "run", *each) for each in runs)


def test(arguments: "list[str]") -> int:
    """Run the tests, on every core; --fast leaves out the pool, guests and what is slow; the rest goes to pytest."""
    fast = ("-m", "not host and not guest and not slow") if "--fast" in arguments else ()
    rest = [argument for argument in arguments if argument != "--fast"]
    workers = str(len(os.sched_getaffinity(0)))
    return run(BIN / "python", "-m", "pytest", "-n", workers, "--dist", "loadgroup", *fast, *rest)


def fast(arguments: "list[str]") -> int:
    """Run the tests that need neither root nor a guest, and are quick; arguments go to pytest."""
    return test(["--fast", *arguments])


def lint(arguments: "list[str]") -> int:
    """Check style, format, types and the direction of imports; arguments are files for the first two."""
    return max(
        run(BIN / "ruff", "check", *arguments),
        run(BIN / "ruff", "format", "--check", *arguments),
        run(BIN / "mypy"),
        run(BIN / "lint-imports", "--no-logo"),
    )


def matrix(arguments: "list[str]") -> int:
    """Hold the model against real kernels in guests, audited after every step; arguments are kernels, and --write."""
    return run(BIN / "python", "-m", "tests.matrix", *arguments)


def rules(arguments: "list[str]") -> int:
    """Write docs/rules: the diffs of neighbouring kernels, and the table of all switches."""
    return run(BIN / "python", "-m", "tests.rules", *arguments)


def reach(arguments: "list[str]") -> int:
    """Write docs/reach.md: the steps after which the fuzzer finds each switch; with words only those that have one."""
    return run(BIN / "python", "-m", "tests.search.reach", *arguments)


def site(arguments: "list[str]") -> int:
    """Build the site into site/; --serve [PORT] shows it on this machine, at port 8000 by default."""
    return run(BIN / "python", "-m", "website", *arguments)


def lock(arguments: "list[str]") -> int:
    """Write requirements.lock from pyproject.toml; arguments go to `uv pip compile` (such as --upgrade)."""
    what = ("--universal", "--python-version", "3.11", "--group", "dev", "pyproject.toml")
    how = ("--generate-hashes", "--custom-compile-command", "python3 dev.py lock", "--quiet")
    return run(BIN / "uv", "pip", "compile", *what, *how, "--output-file", "requirements.lock", *arguments)


COMMANDS = {
    "demo": demo,
    "test": test,
    "fast": fast,
    "lint": lint,
    "matrix": matrix,
    "rules": rules,
    "reach": reach,
    "site": site,
    "lock": lock,
}


def main() -> int:
    """Do what the command line says; its exit status."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in COMMANDS:
        print(__doc__)
        for known, command in COMMANDS.items():
            print(f"  {known}  {command.__doc__}")
        return 0 if name in ("-h", "--help") else 2
    use_a_new_python()
    os.chdir(str(ROOT))
    install()
    return COMMANDS[name](sys.argv[2:])


def run(*command: "str | Path") -> int:
    """Show a command and run it; its exit status."""
    words = [str(word) for word in command]
    print("+ " + " ".join(words).replace(str(BIN) + os.sep, ""), flush=True)
    return subprocess.call(words)


def use_a_new_python() -> None:
    """Start again under a Python that is new enough, if this one is not."""
    if sys.version_info >= OLDEST:
        return
    for name in NEWER:
        if succeeds(name, "-c", "import sys"):
            os.execvp(name, [name, *sys.argv])
    sys.exit(f"hugeresv needs Python 3.11 or newer: {sys.executable} is older, and there is no {' or '.join(NEWER)}")


def install() -> None:
    """Bring .venv up to date with requirements.lock and pyproject.toml."""
    lock_file, project = ROOT / "requirements.lock", ROOT / "pyproject.toml"
    digest = hashlib.sha256(lock_file.read_bytes() + project.read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == digest and succeeds(BIN / "python", "-c", "import hugeresv"):
        return
    if not succeeds(BIN / "python", "-m", "pip", "--version"):
        make_venv()
    pip = (BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    must_run(*pip, "--require-hashes", "-r", "requirements.lock")
    must_run(*pip, "--no-deps", "--no-build-isolation", "--editable", ".")
    STAMP.write_text(digest)


def make_venv() -> None:
    """Make an empty .venv; on a Debian whose Python cannot, install what it lacks, or say how."""
    if importlib.util.find_spec("ensurepip") is None:
        package = "python{}.{}-venv".format(*sys.version_info)
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            sys.exit(f"{sys.executable} cannot make a virtual environment. On Debian: sudo apt-get install {package}")
        must_run("apt-get", "update", "-q")
        must_run("apt-get", "install", "-q", "-y", package)
    must_run(sys.executable, "-m", "venv", "--clear", ".venv")


def must_run(*command: "str | Path") -> None:
    """Run a command without which nothing else can go on."""
    status = run(*command)
    if status:
        sys.exit(f"dev.py: the installation into .venv failed (exit status {status})")


def succeeds(*command: "str | Path") -> bool:
    """Whether a command exists and exits with 0; it is not shown."""
    words = [str(word) for word in command]
    try:
        return subprocess.call(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
