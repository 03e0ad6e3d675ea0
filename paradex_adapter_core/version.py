"""The version of the distribution, told in one place."""

from typing import Final

__version__: Final = "0.1.0"
