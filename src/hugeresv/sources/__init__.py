"""Readers of a machine: `proc` reads /proc and /sys, `drgn` reads the memory of a kernel."""
