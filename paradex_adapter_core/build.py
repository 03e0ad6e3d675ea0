"""Which build of the core is running."""


def is_compiled() -> bool:
    """Return whether this module, and so the core, runs compiled."""
    return not __file__.endswith(".py")
