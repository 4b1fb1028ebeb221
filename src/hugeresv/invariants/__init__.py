"""Named properties that hold between operations, checkable on any machine."""
