"""Where this machine gets Debian's packages from: the mirrors in its apt sources."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from hugeresv.errors import UnavailableError

_RELEASES = "bullseye|bookworm|trixie|forky|duke|sid|oldoldstable|oldstable|stable|testing|unstable"
_ARCHIVE_SUITE = re.compile(rf"(?:{_RELEASES})(?:-updates|-backports)?")
_SECURITY_SUITE = re.compile(rf"(?:{_RELEASES})-security")
_ONE_LINE = re.compile(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)")


def mirror_of(suite: str, root: Path = Path("/etc/apt")) -> str:
    """The URI under which this machine finds suites of that kind, security updates or others.

    Raises UnavailableError where its sources name no mirror of Debian.
    """
    kind = _SECURITY_SUITE if suite.endswith("-security") else _ARCHIVE_SUITE
    for uri, has in _entries(root):
        if kind.fullmatch(has):
            return uri
    raise UnavailableError(
        f"the apt sources of this machine have no mirror of Debian for {suite}; "
        "fetch a kernel elsewhere and name its image: guest:PATH"
    )


def _entries(root: Path) -> Iterator[tuple[str, str]]:
    """URI and suite of every source, of both formats of sources.list(5)."""
    for path in [root / "sources.list", *sorted((root / "sources.list.d").glob("*.list"))]:
        if path.is_file():
            for line in _text(path).split("\n"):
                if found := _ONE_LINE.match(line):
                    yield found[1], found[2]
    for path in sorted((root / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", _text(path)):
            yield from _stanza(stanza.split("\n"))


def _text(path: Path) -> str:
    """What is no UTF-8 stands in comments."""
    return path.read_text(errors="replace")


def _stanza(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The entries of one stanza of the format deb822; a field goes on in lines that begin with a blank."""
    fields: dict[str, list[str]] = {}
    field: list[str] = []
    for line in lines:
        if line.startswith("#"):
            continue
        if line[:1].isspace():
            field += line.split()
        else:
            name, _, value = line.partition(":")
            field = fields[name.lower()] = value.split()
    if "deb" in fields.get("types", ()) and fields.get("enabled") != ["no"]:
        for uri in fields.get("uris", ()):
            for suite in fields.get("suites", ()):
                yield uri, suite
