"""What an invariant finds wrong."""

import re
from dataclasses import dataclass

_NAME_OF_A_FILE = re.compile(r"\b(?:unnamed file|file|segment) [^\n]*?,(?= pages)")


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold: its name and title, and what disagrees with what (possibly in several lines)."""

    name: str
    title: str
    message: str

    @property
    def key(self) -> tuple[str, str]:
        """What it has in common with the same violation on another kernel, which calls files otherwise."""
        return self.name, _NAME_OF_A_FILE.sub("file,", self.message)

    def __str__(self) -> str:
        return f"{self.name} ({self.title}): {self.message}"
