"""A mount's share of the pool, `struct hugepage_subpool`: at most `max_hpages`, and `min_hpages` kept reserved for it.

get and put answer what the *global* pool must reserve or unreserve: whatever the minimum covers is already reserved
there. mm/hugetlb.c, 4.1 and later (hugepage_subpool_get_pages, hugepage_subpool_put_pages).
"""

from __future__ import annotations

from hugeresv.model.locks import Lock, takes


class Subpool:
    """Counts in huge pages; a limit that is None is not set. `used_hpages` is only kept where there is a maximum.

    `changed`: the set that takes note of subpools whose usage changes, for whoever shows it; None: nobody does.
    """

    __slots__ = ("changed", "max_hpages", "min_hpages", "mounted", "rsv_hpages", "used_hpages")

    lock = Lock("subpool->lock")

    def __init__(self, max_hpages: int | None, min_hpages: int | None) -> None:
        """A mounted subpool with its whole minimum in reserve."""
        self.changed: set[Subpool] | None = None
        self.max_hpages = max_hpages
        self.min_hpages = min_hpages
        self.used_hpages = 0
        self.rsv_hpages = min_hpages or 0
        self.mounted = True

    @takes(lock)
    def get_pages(self, delta: int) -> int | None:
        """Take `delta` pages; answers how many of them the pool must still reserve, None if the maximum forbids it."""
        if self.max_hpages is not None:
            if self.used_hpages + delta > self.max_hpages:
                return None
            self._use(delta)
        covered = min(delta, self.rsv_hpages) if self.rsv_hpages > 0 else 0
        self.rsv_hpages -= covered
        return delta - covered

    @takes(lock)
    def put_pages(self, delta: int) -> int:
        """Give `delta` pages back; answers how many the pool must unreserve, which is what the minimum does not keep.

        With a minimum only, used_hpages stays 0, so that the first pages given back refill the minimum however many are
        still out.
        """
        self._unuse(delta)
        if self.min_hpages is None or self.used_hpages >= self.min_hpages:
            return delta
        surplus = max(0, self.rsv_hpages + delta - self.min_hpages)
        self.rsv_hpages = min(self.min_hpages, self.rsv_hpages + delta)
        return surplus

    @takes(lock)
    def undo_get(self, delta: int, global_part: int) -> None:
        """Take back a get_pages(delta) that answered `global_part`."""
        self._unuse(delta)
        self.rsv_hpages += delta - global_part

    @takes(lock)
    def unuse(self, delta: int) -> None:
        """Count `delta` pages less as used."""
        self._unuse(delta)

    def _unuse(self, delta: int) -> None:
        if self.max_hpages is not None:
            self._use(-delta)

    def _use(self, delta: int) -> None:
        self.used_hpages += delta
        if self.changed is not None:
            self.changed.add(self)

    @property
    def is_free(self) -> bool:
        """subpool_is_free: unmounted, and nothing of it is out as far as it can tell."""
        if self.mounted:
            return False
        if self.max_hpages is not None:
            return self.used_hpages == 0
        return self.min_hpages is None or self.rsv_hpages == self.min_hpages
