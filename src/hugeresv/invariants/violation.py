"""What an invariant finds wrong."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold: its name and title, and what disagrees with what (possibly in several lines)."""

    name: str
    title: str
    message: str

    def __str__(self) -> str:
        return f"{self.name} ({self.title}): {self.message}"
