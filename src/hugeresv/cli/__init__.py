"""The verbs: one file each, of flags, one library call and one render."""
