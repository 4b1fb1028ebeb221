"""Programs that print how long things take; each is run with python -m benchmarks.NAME."""
