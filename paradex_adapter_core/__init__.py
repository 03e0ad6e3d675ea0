"""Paradex in pure values: bytes in, messages and events out.

No I/O, no clock, no logging and no NautilusTrader. Compiled with mypyc where a compiler was at hand
(`build.is_compiled`), the same source interpreted where not.
"""
