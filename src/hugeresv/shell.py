"""Words of commands that a person pastes into a shell."""

import os
import shlex
import sys


def quoted(word: str) -> str:
    """`word` as one word of a shell, printable whatever is in it: what is shown is what is to be pasted."""
    if word.isprintable():
        return shlex.quote(word)
    return f"$'{''.join(_escaped(each) for each in word)}'"


def installs(package: str) -> str:
    """The command that installs a package beside hugeresv, in whichever environment that is: one of pipx, say."""
    return f"{quoted(sys.executable)} -m pip install {package}"


def _escaped(character: str) -> str:
    """One character between $' and ' (bash, zsh, ksh; POSIX since 2024)."""
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\{byte:03o}" for byte in os.fsencode(character))


def entry(inside: int | str | None, kind: str) -> str:
    """What makes a command run in another namespace, of a process or at a path; `kind` is `ipc` or `mount`."""
    match inside:
        case None:
            return ""
        case int():
            return f"nsenter -t {inside} -{kind[0]} "
        case str():
            return f"nsenter --{kind}={quoted(inside)} "
