"""The site: what it is made of, and what puts it together."""
