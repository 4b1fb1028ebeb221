"""What a wheel has besides the source: the man pages, made of the help texts."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManualPages(BuildHookInterface[BuilderConfig]):
    """Puts a page for each verb into share/man/man1 of where the wheel is installed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the pages before the wheel is built."""
        sys.path.insert(0, str(Path(self.root, "src")))
        from hugeresv.cli.manual import pages

        self._directory = tempfile.TemporaryDirectory()
        for name, text in pages().items():
            path = Path(self._directory.name, name)
            path.write_text(text)
            build_data["shared_data"][str(path)] = f"share/man/man1/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the pages; the wheel has them."""
        self._directory.cleanup()
