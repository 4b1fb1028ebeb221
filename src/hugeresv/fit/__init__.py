"""Would a mapping fit now, and where would it fail: the live counters and limits, put into a model machine."""
