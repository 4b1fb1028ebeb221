"""Who holds the pages of a pool and the promises of it, and what the kernel's counters have more than all holders."""
