"""Renderings of results: each takes a result and writes it to a given stream."""
