"""What reads a machine that is there: its /proc and /sys."""
