"""The core's messages as NautilusTrader's objects and back: pure functions, ``a_to_b``."""
