"""Scenarios: operations as values, their two spellings, and what they must answer."""
