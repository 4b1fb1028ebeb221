"""State and transitions of hugetlb reservation accounting. Pure: no input or output, no clock, no randomness."""
