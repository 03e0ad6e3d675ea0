"""What became of the instruments between two readings of the venue's list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import Instrument


@dataclass(frozen=True, slots=True)
class InstrumentChanges:
    """What became of the instruments, for those who publish them.

    Attributes
    ----------
    listed : tuple[Instrument, ...]
        Those that were not there before.
    changed : tuple[Instrument, ...]
        Those whose terms differ from before, as they are now.
    regridded : frozenset[InstrumentId]
        The ones of `changed` with another tick or lot: their books are to be built anew.
    settled : tuple[InstrumentId, ...]
        Those that were settled, by an event or because they expired; told once.
    delisted : tuple[InstrumentId, ...]
        Those that left the venue's list otherwise; told once.
    """

    listed: tuple[Instrument, ...] = ()
    changed: tuple[Instrument, ...] = ()
    regridded: frozenset[InstrumentId] = frozenset()
    settled: tuple[InstrumentId, ...] = ()
    delisted: tuple[InstrumentId, ...] = ()

    def __bool__(self) -> bool:
        """Return whether there is anything to tell."""
        return bool(self.listed or self.changed or self.settled or self.delisted)


def compare_instruments(
    before: Mapping[InstrumentId, Instrument], fresh: Iterable[Instrument]
) -> InstrumentChanges:
    """Return which of the fresh instruments are new and which differ from before.

    When they were received does not count as a difference.
    """
    listed, changed, regridded = [], [], set()
    for instrument in fresh:
        old = before.get(instrument.id)
        if old is None:
            listed.append(instrument)
        elif _terms(old) != _terms(instrument):
            changed.append(instrument)
            if _grid(old) != _grid(instrument):
                regridded.add(instrument.id)
    return InstrumentChanges(
        listed=tuple(listed), changed=tuple(changed), regridded=frozenset(regridded)
    )


def _terms(instrument: Instrument) -> dict[str, object]:
    terms: dict[str, object] = type(instrument).to_dict(instrument)
    return terms | {"ts_event": 0, "ts_init": 0}


def _grid(instrument: Instrument) -> tuple[object, ...]:
    # The precision too: 0.1 and 0.10 are the same tick to Nautilus' equality.
    return (
        instrument.price_increment,
        instrument.price_precision,
        instrument.size_increment,
        instrument.size_precision,
    )
