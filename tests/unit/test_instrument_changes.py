"""What a provider says has changed: by a fresh list, and by events of the channel ``markets``."""

import asyncio
from datetime import UTC, datetime

import orjson
import pytest
from nautilus_trader.config import InstrumentProviderConfig
from nautilus_trader.model.identifiers import InstrumentId

from paradex_adapter import providers
from paradex_adapter.instrument_changes import InstrumentChanges
from paradex_adapter.providers import EXPIRED_KEPT_NS, ParadexInstrumentProvider
from paradex_adapter.venue.errors import ConfigurationError, VenueUnavailable
from paradex_adapter_core.messages.markets import MarketEvent
from paradex_adapter_core.parsers.markets import parse_market_event
from tests.unit.test_providers import BTC, ETH, NEAR, PEPE, TS, Venue, fees, ids, market

NANOS_PER_DAY = 24 * 60 * 60 * 10**9
NEAR_EXPIRY = int(datetime(2023, 11, 17, 8, tzinfo=UTC).timestamp()) * 10**9


class Clock:
    def __init__(self) -> None:
        self.now_ns = TS

    def __call__(self) -> int:
        return self.now_ns


def make_provider(
    venue: Venue, clock: Clock | None = None, **options: object
) -> ParadexInstrumentProvider:
    config = InstrumentProviderConfig(**({"load_all": True} | options))
    return ParadexInstrumentProvider(venue, config, clock_ns=clock or Clock())


def event(symbol: str, word: str, **changed: object) -> MarketEvent:
    row = {"symbol": symbol, "event_type": word, "updated_at": 5, "changed_fields": changed}
    return parse_market_event(orjson.dumps(row))


def told(changes: InstrumentChanges) -> dict[str, list[str]]:
    """Return everything there is to tell, by symbols."""
    return {
        name: symbols
        for name, symbols in {
            "listed": [i.id.symbol.value for i in changes.listed],
            "changed": [i.id.symbol.value for i in changes.changed],
            "regridded": sorted(i.symbol.value for i in changes.regridded),
            "settled": [i.symbol.value for i in changes.settled],
            "delisted": [i.symbol.value for i in changes.delisted],
        }.items()
        if symbols
    }


@pytest.fixture(autouse=True)
def pauses(monkeypatch) -> list[float]:
    """Take no time between two readings of the list; keep what would have been taken."""
    taken: list[float] = []
    sleep = asyncio.sleep

    async def note(delay_secs: float) -> None:
        taken.append(delay_secs)
        await sleep(0)

    monkeypatch.setattr(providers.asyncio, "sleep", note)
    return taken


# -- A fresh list --------------------------------------------------------------------------------


async def test_a_list_that_did_not_change_tells_nothing():
    clock = Clock()
    provider = make_provider(Venue(BTC, NEAR), clock)
    await provider.initialize()
    before = provider.find(*ids("BTC-USD-PERP"))
    clock.now_ns += 1

    changes = await provider.refresh()

    assert told(changes) == {}
    assert not changes
    assert provider.find(*ids("BTC-USD-PERP")) is before


async def test_a_new_market_is_listed():
    venue = Venue(BTC)
    provider = make_provider(venue)
    await provider.initialize()
    venue.rows.append(ETH)

    changes = await provider.refresh()

    assert told(changes) == {"listed": ["ETH-USD-PERP"]}
    assert provider.find(*ids("ETH-USD-PERP")) == changes.listed[0]
    assert told(await provider.refresh()) == {}


@pytest.mark.parametrize(
    ("change", "is_regridded"),
    [
        ({"price_tick_size": "0.5"}, True),
        ({"order_size_increment": "0.01"}, True),
        ({"max_order_size": "50"}, False),
        ({"fee_config": None}, False),
        # Nothing an instrument has a place for, but `info` shows it.
        ({"max_funding_rate": "0.01"}, False),
    ],
)
async def test_changed_terms(change, is_regridded):
    venue = Venue(BTC, ETH)
    provider = make_provider(venue)
    await provider.initialize()
    venue.rows[0] = BTC | change

    changes = await provider.refresh()

    expected = {"changed": ["BTC-USD-PERP"]}
    assert told(changes) == expected | ({"regridded": ["BTC-USD-PERP"]} if is_regridded else {})
    assert changes
    assert provider.find(*ids("BTC-USD-PERP")).info == BTC | change
    assert told(await provider.refresh()) == {}


async def test_a_market_that_is_gone_is_delisted_once_and_stays_loaded():
    venue = Venue(BTC, ETH)
    provider = make_provider(venue)
    await provider.initialize()
    venue.rows = [BTC]

    assert told(await provider.refresh()) == {"delisted": ["ETH-USD-PERP"]}
    assert told(await provider.refresh()) == {}
    assert provider.find(*ids("ETH-USD-PERP")) is not None


async def test_a_delisted_market_that_is_back_is_listed():
    venue = Venue(BTC, ETH)
    provider = make_provider(venue)
    await provider.initialize()
    for rows, expected in (
        ([BTC], {"delisted": ["ETH-USD-PERP"]}),
        ([BTC, ETH], {"listed": ["ETH-USD-PERP"]}),
        ([BTC], {"delisted": ["ETH-USD-PERP"]}),
    ):
        venue.rows = rows
        assert told(await provider.refresh()) == expected


async def test_a_delisted_market_that_is_back_changed_is_told_as_changed():
    venue = Venue(BTC, ETH)
    provider = make_provider(venue)
    await provider.initialize()
    venue.rows = [BTC]
    await provider.refresh()
    venue.rows = [BTC, ETH | {"price_tick_size": "0.01"}]

    assert told(await provider.refresh()) == {
        "changed": ["ETH-USD-PERP"],
        "regridded": ["ETH-USD-PERP"],
    }


async def test_an_expired_option_that_is_gone_is_settled_and_forgotten_after_a_while():
    clock, venue = Clock(), Venue(BTC, NEAR)
    provider = make_provider(venue, clock)
    await provider.initialize()
    clock.now_ns, venue.rows = NEAR_EXPIRY, [BTC]

    assert told(await provider.refresh()) == {"settled": [NEAR["symbol"]]}
    assert told(await provider.refresh()) == {}
    assert provider.find(*ids(NEAR["symbol"])) is not None
    clock.now_ns += EXPIRED_KEPT_NS + 1
    assert told(await provider.refresh()) == {}
    assert provider.find(*ids(NEAR["symbol"])) is None


async def test_an_option_gone_before_its_expiry_is_delisted():
    clock, venue = Clock(), Venue(BTC, NEAR)
    provider = make_provider(venue, clock)
    await provider.initialize()
    clock.now_ns, venue.rows = NEAR_EXPIRY - 1, [BTC]

    assert told(await provider.refresh()) == {"delisted": [NEAR["symbol"]]}


async def test_a_market_that_leaves_the_book_is_delisted_once():
    venue = Venue(BTC, ETH)
    provider = make_provider(venue)
    await provider.initialize()
    venue.rows[1] = ETH | {"trading_mode": "RFQ_ONLY"}

    assert told(await provider.refresh()) == {"delisted": ["ETH-USD-PERP"]}
    assert provider.skipped["does not trade on the order book"] == 1
    assert told(await provider.refresh()) == {}
    venue.rows[1] = ETH
    assert told(await provider.refresh()) == {"listed": ["ETH-USD-PERP"]}


@pytest.mark.parametrize("rows", [[], [BTC, {"symbol": "ETH-USD-PERP"}]])
async def test_nothing_is_gone_when_the_list_could_not_be_read_whole(rows):
    venue = Venue(BTC, ETH)
    provider = make_provider(venue)
    await provider.initialize()
    venue.rows = rows

    assert told(await provider.refresh()) == {}


async def test_filters_hold_for_new_markets_and_not_for_loaded_ones():
    venue = Venue(BTC, PEPE)
    provider = make_provider(venue, filters={"base": "BTC"})
    await provider.initialize()
    await provider.find_or_load(*ids("kPEPE-USD-PERP"))
    venue.rows = [BTC, PEPE | {"max_order_size": "7"}, ETH]

    assert told(await provider.refresh()) == {"changed": ["kPEPE-USD-PERP"]}


async def test_named_instruments_alone_are_kept_up_to_date():
    venue = Venue(BTC)
    provider = make_provider(venue, load_all=False, load_ids=frozenset(ids("BTC-USD-PERP")))
    await provider.initialize()
    venue.rows = [BTC | {"max_order_size": "7"}, ETH]

    assert told(await provider.refresh()) == {"changed": ["BTC-USD-PERP"]}


async def test_new_fees_of_the_account_change_the_instruments():
    venue = Venue(BTC)
    venue.token_provider = object()
    venue.account_rows = [fees("0xacc0", "0.0001", "0.0002")]
    config = InstrumentProviderConfig(load_all=True)
    provider = ParadexInstrumentProvider(venue, config, account_address="0xacc0", clock_ns=Clock())
    await provider.initialize()
    venue.account_rows = [fees("0xacc0", "0.0001", "0.0003")]

    assert told(await provider.refresh()) == {"changed": ["BTC-USD-PERP"]}


async def test_a_list_that_cannot_be_had_raises_and_changes_nothing():
    venue = Venue(BTC)
    provider = make_provider(venue)
    await provider.initialize()

    async def fail(symbol=None):
        raise VenueUnavailable("GET /markets", "no answer")

    venue.get_markets = fail
    with pytest.raises(VenueUnavailable):
        await provider.refresh()
    with pytest.raises(VenueUnavailable):
        await provider.apply_events([event("BTC-USD-PERP", "UPDATED")])
    assert provider.count == 1


# -- Events --------------------------------------------------------------------------------------


async def test_a_listing():
    venue = Venue(BTC)
    provider = make_provider(venue)
    await provider.initialize()
    venue.rows.append(ETH)

    changes = await provider.apply_events([event("ETH-USD-PERP", "CREATED")])

    assert told(changes) == {"listed": ["ETH-USD-PERP"]}
    assert venue.asked == [None, "ETH-USD-PERP"]


@pytest.mark.parametrize(
    "options", [{"filters": {"base": "BTC"}}, {"load_all": False, "load_ids": frozenset()}]
)
async def test_a_listing_nobody_wants(options):
    venue = Venue(BTC)
    provider = make_provider(venue, **options)
    venue.rows.append(ETH)

    assert told(await provider.apply_events([event("ETH-USD-PERP", "CREATED")])) == {}
    assert provider.find(*ids("ETH-USD-PERP")) is None


async def test_events_about_what_is_not_loaded_ask_for_nothing_where_only_some_are_wanted():
    venue = Venue(BTC, ETH)
    provider = make_provider(venue, load_all=False, load_ids=frozenset(ids("BTC-USD-PERP")))
    await provider.initialize()
    venue.asked.clear()

    await provider.apply_events([event("ETH-USD-PERP", word) for word in ("CREATED", "UPDATED")])

    assert venue.asked == []


async def test_a_changed_tick(pauses):
    venue = Venue(BTC, ETH)
    provider = make_provider(venue)
    await provider.initialize()
    venue.rows[0] = BTC | {"price_tick_size": "0.5"}

    changes = await provider.apply_events(
        [event("BTC-USD-PERP", "UPDATED", price_tick_size="0.5", order_size_increment="0.001")]
    )

    assert told(changes) == {"changed": ["BTC-USD-PERP"], "regridded": ["BTC-USD-PERP"]}
    assert str(changes.changed[0].price_increment) == "0.5"
    assert pauses == [0.0]


async def test_a_list_behind_the_event_is_read_again(pauses):
    venue = Venue(BTC)
    provider = make_provider(venue)
    await provider.initialize()
    answer = venue.get_markets

    async def get_markets(symbol=None):
        if len(pauses) == 3:
            venue.rows[0] = BTC | {"price_tick_size": "0.5"}
        return await answer(symbol)

    venue.get_markets = get_markets
    changes = await provider.apply_events([event("BTC-USD-PERP", "UPDATED", price_tick_size="0.5")])

    assert told(changes) == {"changed": ["BTC-USD-PERP"], "regridded": ["BTC-USD-PERP"]}
    assert pauses == list(providers.EVENT_READ_DELAYS_SECS[:3])


async def test_a_list_that_never_shows_the_event_is_read_so_often(pauses):
    venue = Venue(BTC)
    provider = make_provider(venue)
    await provider.initialize()

    changes = await provider.apply_events(
        [
            event("BTC-USD-PERP", "UPDATED", order_size_increment="7"),
            event("NEW-USD-PERP", "CREATED"),
        ]
    )

    assert told(changes) == {}
    assert pauses == list(providers.EVENT_READ_DELAYS_SECS)


async def test_an_event_of_an_unknown_kind_is_a_reason_to_look():
    venue = Venue(BTC)
    provider = make_provider(venue)
    await provider.initialize()
    venue.rows[0] = BTC | {"max_order_size": "7"}

    changes = await provider.apply_events([event("BTC-USD-PERP", "PAUSED")])

    assert told(changes) == {"changed": ["BTC-USD-PERP"]}


async def test_many_events_are_read_with_one_request():
    symbols = [f"X{n}-USD-PERP" for n in range(50)]
    venue = Venue(BTC)
    provider = make_provider(venue)
    await provider.initialize()
    venue.rows += [market(symbol) for symbol in symbols]

    changes = await provider.apply_events([event(symbol, "CREATED") for symbol in symbols])

    assert told(changes) == {"listed": symbols}
    assert venue.asked == [None, None]


@pytest.mark.parametrize(("word", "name"), [("SETTLED", "settled"), ("DELETED", "delisted")])
async def test_an_end_is_told_once_and_asks_for_nothing(word, name):
    venue = Venue(BTC, NEAR)
    provider = make_provider(venue)
    await provider.initialize()
    ended = event(NEAR["symbol"], word, settlement_price="5")

    assert told(await provider.apply_events([ended])) == {name: [NEAR["symbol"]]}
    assert told(await provider.apply_events([ended, ended])) == {}
    venue.rows = [BTC]
    assert told(await provider.refresh()) == {}
    assert venue.asked == [None, None]


async def test_a_settlement_is_followed_by_a_removal():
    provider = make_provider(Venue(BTC, NEAR))
    await provider.initialize()

    changes = await provider.apply_events(
        [event(NEAR["symbol"], word) for word in ("UPDATED", "SETTLED", "DELETED")]
    )

    assert told(changes) == {"settled": [NEAR["symbol"]], "delisted": [NEAR["symbol"]]}


async def test_a_market_deleted_and_listed_again():
    venue = Venue(BTC, ETH)
    provider = make_provider(venue)
    await provider.initialize()

    changes = await provider.apply_events(
        [event("ETH-USD-PERP", "DELETED"), event("ETH-USD-PERP", "CREATED")]
    )

    assert told(changes) == {"listed": ["ETH-USD-PERP"], "delisted": ["ETH-USD-PERP"]}


@pytest.mark.parametrize("symbol", ["NO-USD-PERP", "Ü-USD-PERP", "A B"])
async def test_the_end_of_what_is_not_loaded_tells_nothing(symbol):
    provider = make_provider(Venue(BTC))
    await provider.initialize()

    changes = await provider.apply_events([event(symbol, w) for w in ("SETTLED", "DELETED")])

    assert told(changes) == {}


async def test_a_symbol_nautilus_cannot_hold_is_passed_over():
    venue = Venue(BTC, market("Ü-USD-PERP"))
    provider = make_provider(venue)
    await provider.initialize()

    assert told(await provider.apply_events([event("Ü-USD-PERP", "CREATED")])) == {}
    assert told(await provider.refresh()) == {}


# -- Loading when asked for ----------------------------------------------------------------------


async def test_an_unknown_instrument_is_loaded_when_it_is_asked_for():
    venue = Venue(BTC, NEAR)
    provider = make_provider(venue, load_all=False)

    found = await provider.find_or_load(*ids(NEAR["symbol"]))

    assert found.id == InstrumentId.from_str(f"{NEAR['symbol']}.PARADEX")
    assert venue.asked == [NEAR["symbol"]]
    assert await provider.find_or_load(*ids(NEAR["symbol"])) is found
    assert venue.asked == [NEAR["symbol"]]


async def test_those_who_ask_at_once_share_one_request():
    venue = Venue(BTC)
    provider = make_provider(venue, load_all=False)

    found = await asyncio.gather(*(provider.find_or_load(*ids("BTC-USD-PERP")) for _ in range(9)))

    assert len(set(map(id, found))) == 1
    assert venue.asked == ["BTC-USD-PERP"]


@pytest.mark.parametrize(
    "row", [market("OTHER-USD-PERP"), market("X-USD-PERP", trading_mode="RFQ_ONLY")]
)
async def test_what_does_not_exist_or_cannot_trade_is_none(row):
    provider = make_provider(Venue(row), load_all=False)

    assert await provider.find_or_load(*ids("X-USD-PERP")) is None


async def test_an_instrument_of_another_venue_is_refused():
    provider = make_provider(Venue(BTC))

    with pytest.raises(ConfigurationError):
        await provider.find_or_load(InstrumentId.from_str("BTCUSDT.BINANCE"))
