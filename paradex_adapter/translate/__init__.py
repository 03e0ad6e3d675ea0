"""The core's messages as NautilusTrader's objects and back: pure functions, ``a_to_b``.

Throughout, units are integers of 1e-8, and ``ts_event`` and ``ts_init`` nanoseconds since the Unix
epoch. What Nautilus could not hold raises: `MarketRefused`, `OutOfRange`, `UnusableMessageError`.
"""
