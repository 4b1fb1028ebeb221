"""What a random scenario has made so far, as far as drawing the next operation needs it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(slots=True)
class DrawnMapping:
    """A mapping by its kind and its length in pages."""

    pages: int
    shared: bool = False
    segment: bool = False


@dataclass(slots=True)
class World:
    """Names in use: processes with their mappings, files, segments, mounts and cgroups."""

    processes: dict[str, dict[str, DrawnMapping]] = field(default_factory=lambda: {"p": {}})
    files: list[str] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)
    mounts: list[str] = field(default_factory=list)
    cgroups: list[str] = field(default_factory=list)
    named: int = 0
    """How many names were given."""

    def fresh(self, prefix: str) -> str:
        """A name that nothing has had yet."""
        self.named += 1
        return f"{prefix}{self.named}"

    def fork(self, process: str, child: str) -> None:
        """`child` has what `process` has."""
        self.processes[child] = {name: replace(mapping) for name, mapping in self.processes[process].items()}
