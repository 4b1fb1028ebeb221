"""Who holds the pages of a pool and the promises of it, and what of the kernel's counters nobody explains."""
