"""hugeresv: the ledger of Linux huge page reservations, as software you can run."""

__version__ = "0.1.0"
