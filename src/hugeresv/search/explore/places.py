"""Where each mapping of a bound is, in every process and every history."""

from hugeresv.calls.names import FIRST_ADDRESS, GAP_BYTES
from hugeresv.search.explore.bound import MOVED, PRIVATE, SHARED

PLACES = {name: FIRST_ADDRESS + place * GAP_BYTES for place, name in enumerate((PRIVATE, SHARED, MOVED))}
"""Address in bytes by the mapping's name."""
