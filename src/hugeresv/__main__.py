"""`hugeresv`, and `python -m hugeresv`."""

from hugeresv.cli.main import main

if __name__ == "__main__":
    main()
