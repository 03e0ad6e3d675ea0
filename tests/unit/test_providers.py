from datetime import UTC, datetime

import orjson
import pytest
from nautilus_trader.config import InstrumentProviderConfig
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Currency

from paradex_adapter.providers import (
    REQUESTS_PER_LOAD_MAX,
    ParadexInstrumentProvider,
    SharedFees,
)
from paradex_adapter.venue.errors import (
    ConfigurationError,
    MalformedReply,
    RequestRejected,
    VenueUnavailable,
)
from paradex_adapter_core.errors import MalformedMessage

TS = 1_700_000_000_000_000_000
ACCOUNT = "0xacc0"


def market(symbol: str, kind: str = "PERP", **changes: object) -> dict[str, object]:
    return {
        "symbol": symbol,
        "asset_kind": kind,
        "base_currency": symbol.split("-")[0],
        "quote_currency": "USD",
        "settlement_currency": "USDC",
        "price_tick_size": "0.1",
        "order_size_increment": "0.001",
        "min_notional": "10",
        "max_order_size": "100",
        "trading_mode": "STANDARD",
        "fee_config": {"api_fee": {"maker_fee": {"fee": "0.0001"}, "taker_fee": {"fee": "0.0002"}}},
    } | changes


def option(symbol: str, strike: str, expiry: datetime) -> dict[str, object]:
    expiry_ms = int(expiry.timestamp() * 1000)
    return market(symbol, "OPTION", option_type="CALL", strike_price=strike, expiry_at=expiry_ms)


# The time is 14 November 2023, 22:13:20.
NEAR = option("BTC-USD-17NOV23-90000-C", "90000", datetime(2023, 11, 17, 8, tzinfo=UTC))
FAR = option("BTC-USD-29DEC23-95000-C", "95000", datetime(2023, 12, 29, 8, tzinfo=UTC))
BTC, ETH, PEPE = (market(f"{base}-USD-PERP") for base in ("BTC", "ETH", "kPEPE"))


class Venue:
    """The part of `HttpClient` that a provider uses, answering with given rows."""

    def __init__(self, *rows: dict[str, object]) -> None:
        self.rows = list(rows)
        self.account_rows: list[dict[str, object]] = []
        self.account_error: Exception | None = None
        self.token_provider: object | None = None
        self.asked: list[str | None] = []
        self.account_asked = 0
        self.positions: list[dict[str, object]] = []
        self.orders: list[dict[str, object]] = []

    async def get_positions(self) -> bytes:
        return orjson.dumps({"results": self.positions})

    async def get_orders(self, market: str | None) -> bytes:
        return orjson.dumps({"results": self.orders})

    async def get_markets(self, symbol: str | None = None) -> bytes:
        self.asked.append(symbol)
        rows = [row for row in self.rows if symbol in (None, row["symbol"])]
        if symbol is not None and not rows:
            raise RequestRejected("GET /markets", 404, "MARKET_NOT_FOUND", "no such market")
        return orjson.dumps({"results": rows})

    async def get_account_info(self) -> bytes:
        self.account_asked += 1
        if self.account_error is not None:
            raise self.account_error
        return orjson.dumps({"results": self.account_rows})


def make_provider(venue: Venue, **options: object) -> ParadexInstrumentProvider:
    filters = options.pop("filters", None)
    config = InstrumentProviderConfig(load_all=True, filters=filters)
    return ParadexInstrumentProvider(venue, config, clock_ns=lambda: TS, **options)


def loaded(provider: ParadexInstrumentProvider) -> set[str]:
    return {instrument.id.symbol.value for instrument in provider.list_all()}


async def test_everything_is_loaded_with_one_request():
    venue = Venue(BTC, ETH, PEPE)
    provider = make_provider(venue)

    await provider.initialize()

    assert loaded(provider) == {"BTC-USD-PERP", "ETH-USD-PERP", "kPEPE-USD-PERP"}
    assert venue.asked == [None]
    instrument = provider.find(InstrumentId.from_str("BTC-USD-PERP.PARADEX"))
    assert instrument.ts_init == TS
    assert instrument.info == BTC


async def test_currencies_are_registered_with_8_decimals():
    provider = make_provider(Venue(market("kNEVERSEEN-USD-PERP")))

    await provider.load_all_async()

    assert set(provider.currencies()) == {"kNEVERSEEN", "USDC"}
    # Registered in Nautilus itself too, or reading a catalog would fail.
    assert Currency.from_internal_map("kNEVERSEEN").precision == 8


async def test_what_cannot_be_an_instrument_is_skipped_and_counted_by_reason():
    venue = Venue(
        BTC,
        market("BTC-USD-96000-C", "PERP_OPTION"),
        market("BTC-USD-96000-P", "PERP_OPTION"),
        market("X-USD-PERP", trading_mode="RFQ_ONLY"),
        market("Ü-USD-PERP"),
        market("Y-USD-PERP", price_tick_size="1e40"),
        market("Z-USD-WARRANT", "WARRANT"),
        {"symbol": "BROKEN", "asset_kind": "PERP"},
    )
    provider = make_provider(venue)

    await provider.load_all_async()

    assert loaded(provider) == {"BTC-USD-PERP"}
    assert provider.skipped["PERP_OPTION is not supported"] == 2
    assert provider.skipped["unknown kind is not supported"] == 1
    assert provider.skipped["does not trade on the order book"] == 1
    assert sum(n for reason, n in provider.skipped.items() if "ASCII" in reason) == 1
    assert provider.unreadable["unknown asset_kind WARRANT"] == 1
    listed = len(loaded(provider)) + provider.skipped.total()
    listed += sum(n for note, n in provider.unreadable.items() if note.startswith("skipped row"))
    assert listed == len(venue.rows)


async def test_counts_are_those_of_the_last_load():
    venue = Venue(market("ETH-USD-1-C", "PERP_OPTION"), {"symbol": "BROKEN"})
    provider = make_provider(venue)

    await provider.load_all_async()
    await provider.load_all_async()

    assert provider.skipped.total() == 1
    assert sum(provider.unreadable.values()) == 1


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, "BTC kPEPE SPOT NEAR FAR"),
        ({"kind": "PERP"}, "BTC kPEPE"),
        ({"kind": ["perp", "SPOT"]}, "BTC kPEPE SPOT"),
        ({"kind": "FUTURE"}, ""),
        ({"base": "btc"}, "BTC SPOT NEAR FAR"),
        ({"base": ("BTC", "kPEPE")}, "BTC kPEPE SPOT NEAR FAR"),
        ({"base": "KPEPE", "kind": "PERP"}, "kPEPE"),
        ({"base": "ETH"}, ""),
        ({"trading_mode": "STANDARD"}, "BTC kPEPE SPOT NEAR FAR"),
        ({"trading_mode": "RFQ_ONLY"}, ""),
        # Only what expires is measured by its expiry.
        ({"expiry": "2023-11-17"}, "BTC kPEPE SPOT NEAR"),
        ({"expiry": ["2023-11-17", "2023-12-29"], "kind": "OPTION"}, "NEAR FAR"),
        ({"expiry": "2023-11-18", "kind": "OPTION"}, ""),
        ({"expiry_within_days": 7}, "BTC kPEPE SPOT NEAR"),
        ({"expiry_within_days": 2, "kind": "OPTION"}, ""),
        ({"expiry_within_days": 90, "base": "BTC"}, "BTC SPOT NEAR FAR"),
    ],
)
async def test_filters(filters, expected):
    symbols = {"BTC": "BTC-USD-PERP", "kPEPE": "kPEPE-USD-PERP", "SPOT": "BTC-USD"}
    symbols |= {"NEAR": NEAR["symbol"], "FAR": FAR["symbol"]}
    venue = Venue(BTC, PEPE, market("BTC-USD", "SPOT"), NEAR, FAR)
    provider = make_provider(venue, filters=filters)

    await provider.initialize()

    assert loaded(provider) == {symbols[name] for name in expected.split()}


async def test_given_filters_come_before_those_of_the_configuration():
    provider = make_provider(Venue(BTC, ETH), filters={"base": "BTC"})

    await provider.load_all_async({"base": "ETH"})

    assert loaded(provider) == {"ETH-USD-PERP"}


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ({"market": "BTC"}, "'market' is unknown; use base, expiry, expiry_within_days, kind"),
        ({"kind": "PERPETUAL"}, "'kind' has no 'PERPETUAL'; use PERP, OPTION"),
        ({"kind": ""}, "'kind' has no ''"),
        ({"trading_mode": "RFQ"}, "use STANDARD, RFQ_ONLY"),
        ({"base": []}, "a word or a list of words"),
        ({"base": 1}, "a word or a list of words"),
        ({"base": [1]}, "a word or a list of words"),
        ({"expiry": "tomorrow"}, "'expiry' has no 'tomorrow'; write a date as 2026-12-26"),
        ({"expiry": ["2026-02-30"]}, "'expiry' has no '2026-02-30'"),
        ({"expiry": "20261226"}, "'expiry' has no '20261226'"),
        ({"expiry": 20261226}, "a word or a list of words"),
        ({"expiry_within_days": 0}, "must be 1 to 3650 whole days"),
        ({"expiry_within_days": True}, "must be 1 to 3650 whole days"),
        ({"expiry_within_days": "7"}, "must be 1 to 3650 whole days"),
    ],
)
def test_a_filter_that_cannot_match_is_refused_at_once(filters, says):
    with pytest.raises(ConfigurationError, match=says):
        make_provider(Venue(), filters=filters)


@pytest.mark.parametrize("load_id", ["BTC-USD-PERP.BINANCE", "BTC-USD-PERP"])
def test_an_instrument_of_another_venue_is_refused_at_once(load_id):
    config = InstrumentProviderConfig(load_ids=frozenset([load_id]))

    with pytest.raises(ConfigurationError, match="load_ids: "):
        ParadexInstrumentProvider(Venue(), config)


def ids(*symbols: str) -> list[InstrumentId]:
    return [InstrumentId.from_str(f"{symbol}.PARADEX") for symbol in symbols]


async def test_few_instruments_are_asked_for_one_by_one():
    venue = Venue(BTC, ETH, PEPE)
    provider = make_provider(venue)

    await provider.load_ids_async(ids("kPEPE-USD-PERP", "BTC-USD-PERP"))

    assert loaded(provider) == {"BTC-USD-PERP", "kPEPE-USD-PERP"}
    assert venue.asked == ["BTC-USD-PERP", "kPEPE-USD-PERP"]


async def test_many_instruments_are_asked_for_at_once():
    symbols = [f"X{n}-USD-PERP" for n in range(REQUESTS_PER_LOAD_MAX + 1)]
    venue = Venue(BTC, *map(market, symbols))
    provider = make_provider(venue)

    await provider.load_ids_async(ids(*symbols))

    assert loaded(provider) == set(symbols)
    assert venue.asked == [None]


async def test_ids_of_the_configuration_are_loaded():
    venue = Venue(BTC, ETH)
    config = InstrumentProviderConfig(load_ids=frozenset(["ETH-USD-PERP.PARADEX"]))
    provider = ParadexInstrumentProvider(venue, config)

    await provider.initialize()

    assert loaded(provider) == {"ETH-USD-PERP"}


async def test_no_ids_ask_nothing():
    venue = Venue(BTC)
    await make_provider(venue).load_ids_async([])

    assert venue.asked == []


async def test_an_instrument_that_is_not_listed_is_left_out():
    provider = make_provider(Venue(BTC))

    await provider.load_ids_async(ids("BTC-USD-PERP", "NO-USD-PERP"))

    assert loaded(provider) == {"BTC-USD-PERP"}


async def test_filters_hold_for_named_instruments_when_given():
    provider = make_provider(Venue(BTC, ETH))

    await provider.load_ids_async(ids("BTC-USD-PERP", "ETH-USD-PERP"), {"base": "ETH"})

    assert loaded(provider) == {"ETH-USD-PERP"}


async def test_one_instrument_is_loaded_anew_and_the_others_stay():
    venue = Venue(BTC, ETH)
    provider = make_provider(venue)
    await provider.load_all_async()
    venue.rows = [BTC | {"price_tick_size": "0.5"}]

    await provider.load_async(*ids("BTC-USD-PERP"))

    assert str(provider.find(*ids("BTC-USD-PERP")).price_increment) == "0.5"
    assert loaded(provider) == {"BTC-USD-PERP", "ETH-USD-PERP"}


async def test_a_delisted_instrument_stays_loaded():
    venue = Venue(BTC, ETH)
    provider = make_provider(venue)
    await provider.load_all_async()
    venue.rows = [BTC]

    await provider.load_all_async()

    assert loaded(provider) == {"BTC-USD-PERP", "ETH-USD-PERP"}


@pytest.mark.parametrize(
    "error",
    [
        VenueUnavailable("GET /markets", "no answer"),
        RequestRejected("GET /markets", 403, "GEO_IP_BLOCK", "no"),
    ],
)
async def test_a_failed_load_raises_and_can_be_repeated(error):
    venue = Venue(BTC)
    provider = make_provider(venue)
    answer = venue.get_markets

    async def fail(symbol=None):
        raise error

    venue.get_markets = fail
    with pytest.raises(type(error)):
        await provider.initialize()
    with pytest.raises(type(error)):
        await provider.load_ids_async(ids("BTC-USD-PERP"))
    venue.get_markets = answer
    await provider.initialize()

    assert loaded(provider) == {"BTC-USD-PERP"}


async def test_an_unreadable_answer_is_a_named_error():
    venue = Venue()

    async def get_markets(symbol=None):
        return b"<html>bad gateway</html>"

    venue.get_markets = get_markets
    with pytest.raises(MalformedMessage):
        await make_provider(venue).load_all_async()


def fees(account: str, maker: str, taker: str) -> dict[str, object]:
    rates = {"maker_rate": maker, "taker_rate": taker}
    return {"account": account, "kind": "main", "fees": rates}


def with_token(*rows: dict[str, object]) -> Venue:
    venue = Venue(BTC)
    venue.token_provider = object()
    venue.account_rows = list(rows)
    return venue


def rates(provider: ParadexInstrumentProvider) -> tuple[str, str]:
    instrument = provider.find(*ids("BTC-USD-PERP"))
    return str(instrument.maker_fee), str(instrument.taker_fee)


@pytest.mark.parametrize("spelling", ["0xacc0", "0x000ACC0", "0xACC0"])
async def test_an_accounts_own_fees_are_shown(spelling):
    venue = with_token(fees("0x1", "0", "0"), fees(spelling, "-0.00005", "0.00035"))
    provider = make_provider(venue, account_address=ACCOUNT)

    await provider.load_all_async()

    assert rates(provider) == ("-0.00005", "0.00035")


async def test_fees_of_other_accounts_are_not_ours():
    provider = make_provider(with_token(fees("0x1", "0", "0")), account_address=ACCOUNT)

    await provider.load_all_async()

    assert rates(provider) == ("0.0001", "0.0002")


async def test_without_an_account_or_a_token_no_fees_are_asked_for():
    without_account = with_token(fees(ACCOUNT, "0", "0"))
    without_token = with_token(fees(ACCOUNT, "0", "0"))
    without_token.token_provider = None

    await make_provider(without_account).load_all_async()
    await make_provider(without_token, account_address=ACCOUNT).load_all_async()

    assert without_account.account_asked == without_token.account_asked == 0


async def test_refused_fees_leave_the_markets_own():
    venue = with_token()
    venue.account_error = RequestRejected("GET /account/info", 403, "INVALID_TOKEN_SCOPE", "no")
    provider = make_provider(venue, account_address=ACCOUNT)

    await provider.load_all_async()

    assert venue.account_asked == 1
    assert rates(provider) == ("0.0001", "0.0002")


async def test_fees_one_client_read_are_shown_by_the_other():
    shared = SharedFees()
    public = make_provider(Venue(BTC), shared_fees=shared)
    private = make_provider(
        with_token(fees(ACCOUNT, "0.00001", "0.00002")),
        account_address=ACCOUNT,
        shared_fees=shared,
    )

    await private.load_ids_async(ids("BTC-USD-PERP"))
    await public.load_all_async()

    assert rates(public) == rates(private) == ("0.00001", "0.00002")


# -- what the account has open -----------------------------------------------------------------


def position(symbol: str, size: str) -> dict[str, object]:
    side = "SHORT" if size.startswith("-") else "LONG"
    status = "CLOSED" if size == "0" else "OPEN"
    return {"id": symbol, "market": symbol, "status": status, "side": side, "size": size}


def resting(symbol: str) -> dict[str, object]:
    words = {"side": "BUY", "type": "LIMIT", "status": "OPEN", "instruction": "GTC"}
    sizes = {"size": "1", "remaining_size": "1", "price": "5"}
    return {"id": f"V-{symbol}", "market": symbol, **words, **sizes}


def private_provider(venue: Venue, **options: object) -> ParadexInstrumentProvider:
    config = InstrumentProviderConfig(**options)
    return ParadexInstrumentProvider(venue, config, account_address=ACCOUNT, clock_ns=lambda: TS)


@pytest.mark.parametrize(
    "options",
    [
        {"load_ids": frozenset(ids("BTC-USD-PERP"))},
        {"load_all": True, "filters": {"base": "BTC"}},
        {},
    ],
)
async def test_what_the_account_has_open_is_loaded_whatever_else_is(options):
    venue = with_token()
    venue.rows = [BTC, ETH, PEPE, NEAR, FAR]
    venue.positions = [position("ETH-USD-PERP", "-1"), position("kPEPE-USD-PERP", "0")]
    venue.orders = [resting("BTC-USD-PERP"), resting(NEAR["symbol"]), resting("GONE-USD-PERP")]
    provider = private_provider(venue, **options)

    await provider.initialize()

    assert loaded(provider) >= {"BTC-USD-PERP", "ETH-USD-PERP", NEAR["symbol"]}
    assert not loaded(provider) & {"kPEPE-USD-PERP", "GONE-USD-PERP"}


async def test_what_the_account_opened_since_is_loaded_with_the_next_refresh():
    venue = with_token()
    venue.rows = [BTC, ETH]
    provider = private_provider(venue, load_ids=frozenset(ids("BTC-USD-PERP")))
    await provider.initialize()
    assert loaded(provider) == {"BTC-USD-PERP"}

    venue.positions = [position("ETH-USD-PERP", "1")]
    await provider.refresh()

    assert loaded(provider) == {"BTC-USD-PERP", "ETH-USD-PERP"}


async def test_the_account_is_not_asked_where_it_cannot_or_need_not_be():
    venue = with_token()
    venue.get_positions = venue.get_orders = None
    only_btc = {"load_ids": frozenset(ids("BTC-USD-PERP"))}
    public = with_token()
    public.token_provider = public.get_positions = None

    await private_provider(venue, load_all=True).initialize()
    await private_provider(public, **only_btc).initialize()


async def test_an_unreadable_position_is_not_taken_for_none():
    venue = with_token()
    venue.positions = [position("ETH-USD-PERP", "much")]
    provider = private_provider(venue, load_ids=frozenset(ids("BTC-USD-PERP")))

    with pytest.raises(MalformedReply, match="row 'ETH-USD-PERP': malformed size"):
        await provider.initialize()
