"""Playing a scenario on a kernel: what each step answered, showed and changed."""
