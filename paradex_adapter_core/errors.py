"""The core's error tree.

::

    CoreError
    ├─ MalformedMessage        the venue sent something that cannot be read
    │   ├─ MissingField        a required field is absent
    │   ├─ WrongType           a field holds another JSON type than documented
    │   ├─ UnknownWord         an enum word outside the vocabulary where one is needed
    │   └─ TruncatedFrame      a binary frame ends before its declared content
    └─ InexactDecimal          decimal text that does not fit the asked scale

Errors carry fields; the wording is built in ``__str__``. Our own mistakes are assertions, not
members of this tree.
"""

from typing import Final

EXCERPT_CHARS_MAX: Final = 120


class CoreError(Exception):
    """Base of everything the core raises on account of what the venue sent."""


class MalformedMessage(CoreError):
    """A message that cannot be read.

    Parameters
    ----------
    field : str
        The field or part of the frame at fault.
    raw : str
        What stood there, cut to `EXCERPT_CHARS_MAX` characters.
    """

    def __init__(self, field: str, raw: str = "") -> None:
        super().__init__(field, raw)
        self.field: Final = field
        self.raw: Final = raw[:EXCERPT_CHARS_MAX]

    def __str__(self) -> str:
        return f"{self.describe()} {self.field!r}: {self.raw!r}"

    def describe(self) -> str:
        """Return the words that name this kind of fault."""
        return "malformed"


class MissingField(MalformedMessage):
    """A required field is absent."""

    def describe(self) -> str:
        """Return the words that name this kind of fault."""
        return "missing field"


class WrongType(MalformedMessage):
    """A field holds a JSON type other than the documented one."""

    def describe(self) -> str:
        """Return the words that name this kind of fault."""
        return "wrong type in field"


class UnknownWord(MalformedMessage):
    """An enum word outside the vocabulary where a known one is needed."""

    def describe(self) -> str:
        """Return the words that name this kind of fault."""
        return "unknown word in field"


class TruncatedFrame(MalformedMessage):
    """A binary frame that ends before its declared content."""

    def describe(self) -> str:
        """Return the words that name this kind of fault."""
        return "truncated frame at"


class InexactDecimal(CoreError):
    """Decimal text that is not a number, or has more decimals than the asked scale holds.

    Parameters
    ----------
    text : str
        The text, cut to `EXCERPT_CHARS_MAX` characters.
    scale : int
        The number of decimals that was asked for.
    """

    def __init__(self, text: str, scale: int) -> None:
        super().__init__(text, scale)
        self.text: Final = text[:EXCERPT_CHARS_MAX]
        self.scale: Final = scale

    def __str__(self) -> str:
        return f"{self.text!r} is not a decimal of at most {self.scale} decimals"
