"""Settings of Hypothesis for all tests, and what the host's pool has lost before they began."""

import os
from pathlib import Path

from hypothesis import settings

# On top of what Hypothesis chooses by itself, which is fixed seeds where CI is set. No example has a time limit.
settings.register_profile("untimed", settings.get_profile(settings.get_current_profile_name()), deadline=None)
settings.load_profile("untimed")

_POOL = Path("/sys/kernel/mm/hugepages/hugepages-2048kB")


def _lost_pages() -> int:
    """Pages in use though the pool is not even reserved from, as a kernel bug leaves them until the next boot."""
    total, free, resv = (int((_POOL / f"{name}_hugepages").read_text()) for name in ("nr", "free", "resv"))
    return total - free if resv == 0 else 0


# Tests on the host's kernel need an idle pool. Where pages are lost for good they count as constant; if somebody does
# use them, and lets go, the host's kernel refuses the pool as one in use.
if _POOL.is_dir() and (lost := _lost_pages()):
    os.environ.setdefault("HUGERESV_LOST_PAGES", f"2048:{lost}")
