"""The site: the docs as pages, the playground, and what puts both together."""
