"""Findings on disk, from the moment that they are found: what is lost with the process is at most their shortening."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from hugeresv.errors import InputError
from hugeresv.regular_file import replace_file
from hugeresv.scenario.load import dump
from hugeresv.search.fuzz.difference import Difference


class Kept(NamedTuple):
    """A folder, and how the names of its files begin. A finding has the number of the scenario that was drawn.

    What is not confirmed, or not yet, has `unconfirmed-` before its name.
    """

    folder: Path
    prefix: str

    def scenario(self, finding: Difference) -> Path:
        """The file of its scenario."""
        return self.folder / f"{'' if finding.confirmed else 'unconfirmed-'}{self.prefix}-{finding.number}.scn"

    def log(self, finding: Difference) -> Path:
        """The file of what the kernel has printed, which is there where that says something against the kernel."""
        return self.scenario(finding).with_suffix(".log")

    def put(self, finding: Difference) -> None:
        """Write its files anew, each as a whole. Raises InputError where that cannot be done."""
        dump([finding.scenario], self.scenario(finding))
        if finding.log:
            try:
                replace_file(self.log(finding), finding.log.encode(), 0o644)
            except OSError as error:
                raise InputError(f"{self.log(finding)}: cannot be written: {error.strerror}") from error

    def drop(self, finding: Difference) -> None:
        """Remove its files."""
        for path in (self.scenario(finding), self.log(finding)):
            path.unlink(missing_ok=True)
