"""Programs that others wrote, on this host's huge pages."""
