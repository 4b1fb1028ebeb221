"""A live host, or a tree captured from one, as an observation. The roots of /proc and /sys are parameters."""
