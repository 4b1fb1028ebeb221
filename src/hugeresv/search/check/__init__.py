"""Whether a kernel is right: all scenarios and random ones, beside a base kernel and audited after every step."""
