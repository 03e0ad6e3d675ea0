"""One final class per inbound message, by subject; flat tuples for the three hot kinds.

Units
-----
Prices, sizes, fees and other values are integers of 1e-8 (`vocabulary.UNITS_SCALE`), rates integers
of 1e-12 (`vocabulary.RATE_SCALE`), ``ts_*`` nanoseconds since the Unix epoch (UTC). ``None`` stands
for a number the venue left empty. Codes are those of `vocabulary`; 0 is a word outside it.
"""
