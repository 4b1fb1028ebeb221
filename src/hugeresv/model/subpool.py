"""A mount's share of the pool, `struct hugepage_subpool`: at most `max_hpages`, and `min_hpages` kept reserved for it.

get and put answer what the *global* pool must reserve or unreserve: whatever the minimum covers is already reserved
there. mm/hugetlb.c, 4.1 and later (hugepage_subpool_get_pages, hugepage_subpool_put_pages).
"""

from __future__ import annotations

from hugeresv.model.locks import Lock, takes


class Subpool:
    """Counts in huge pages; a limit that is None is not set.

    `refills_early`: the minimum is refilled by whatever is given back, also where what is out is the minimum already;
    then `used_hpages` is only kept where there is a maximum.

    `changed`: the set that takes note of subpools whose usage changes, for whoever shows it; None: none does.
    """

    __slots__ = ("changed", "max_hpages", "min_hpages", "mounted", "refills_early", "rsv_hpages", "used_hpages")

    lock = Lock("subpool->lock")

    def __init__(self, max_hpages: int | None, min_hpages: int | None, *, refills_early: bool = True) -> None:
        """A mounted subpool with its whole minimum in reserve."""
        self.refills_early = refills_early
        self.changed: set[Subpool] | None = None
        self.max_hpages = max_hpages
        self.min_hpages = min_hpages
        self.used_hpages = 0
        self.rsv_hpages = min_hpages or 0
        self.mounted = True

    @takes(lock)
    def get_pages(self, delta: int) -> int | None:
        """Take `delta` pages; answers how many of them the pool must still reserve, None if the maximum forbids it."""
        if self.max_hpages is not None and self.used_hpages + delta > self.max_hpages:
            return None
        if self._counts_use:
            self._use(delta)
        covered = min(delta, self.rsv_hpages) if self.rsv_hpages > 0 else 0
        self.rsv_hpages -= covered
        return delta - covered

    @takes(lock)
    def put_pages(self, delta: int, *, early: bool = False) -> int:
        """Give `delta` pages back; answers how many the pool must unreserve, which is what the minimum does not keep.

        Where used_hpages is not kept, it stays 0, so that the first pages given back refill the minimum however many
        are still out. `early`: the minimum is refilled whatever is out.
        """
        self._unuse(delta)
        if self.min_hpages is None:
            return delta
        early = early or self.refills_early
        used = self.used_hpages if self.max_hpages is not None or not early else 0
        if used >= self.min_hpages:
            return delta
        if not early:
            kept = min(delta, max(0, self.min_hpages - used - self.rsv_hpages))
            self.rsv_hpages += kept
            return delta - kept
        surplus = max(0, self.rsv_hpages + delta - self.min_hpages)
        self.rsv_hpages = min(self.min_hpages, self.rsv_hpages + delta)
        return surplus

    @takes(lock)
    def undo_get(self, delta: int, global_part: int) -> None:
        """Take back a get_pages(delta) that answered `global_part`."""
        self._unuse(delta)
        self.rsv_hpages += delta - global_part

    @takes(lock)
    def release(self) -> int:
        """It ends: how many pages of a minimum go back to the pool."""
        minimum, self.min_hpages, self.rsv_hpages = self.min_hpages or 0, None, 0
        return minimum

    @takes(lock)
    def unuse(self, delta: int) -> None:
        """Count `delta` pages less as used."""
        self._unuse(delta)

    @property
    def _counts_use(self) -> bool:
        return self.max_hpages is not None or not self.refills_early

    def _unuse(self, delta: int) -> None:
        if self._counts_use:
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
        if self._counts_use:
            return self.used_hpages == 0
        return self.min_hpages is None or self.rsv_hpages == self.min_hpages
