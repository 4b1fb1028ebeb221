"""Pages that need nothing else: a template, a style and scripts of their own, no network."""
