"""The examples that end every help text."""


def examples(*commands: str) -> str:
    r"""Commands as they are typed in a checkout, for the epilog of a help text: `\b` keeps click from wrapping them."""
    return "\n".join(["\b", "Examples:" if len(commands) > 1 else "Example:", *(f"  {line}" for line in commands)])
