"""What `benchmarks.scale` watches: each module has a table `ROWS`, which `benchmarks.scale` joins."""
