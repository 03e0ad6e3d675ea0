"""Paradex without NautilusTrader: connections, authentication, signatures, limits and recovery.

Nothing in this package imports NautilusTrader. It hands bytes to `paradex_adapter_core` and takes
requests from the bridge above it.
"""
