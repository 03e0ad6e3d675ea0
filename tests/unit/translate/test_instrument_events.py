import orjson
import pytest
from nautilus_trader.model.enums import InstrumentCloseType, MarketStatusAction
from nautilus_trader.model.objects import PRICE_MAX, Price

from paradex_adapter.translate.instrument_events import (
    delisted_to_status,
    instrument_to_status,
    market_event_to_close,
    settled_to_status,
    settlement_to_close,
)
from paradex_adapter.translate.market_data import OutOfRange
from paradex_adapter_core.messages.markets import MarketEvent
from paradex_adapter_core.parsers.markets import parse_market_event, parse_market_settlement
from tests.unit.translate.test_instrument_kinds import MS_26DEC26, OPTION, PERP, SPOT, translate

TS_EVENT = 1_764_000_000_000 * 10**6
TS_INIT = TS_EVENT + 7


def event(word: str, **changed: object) -> MarketEvent:
    return parse_market_event(
        orjson.dumps(
            {
                "symbol": OPTION["symbol"],
                "event_type": word,
                "updated_at": TS_EVENT // 10**6,
                "changed_fields": changed,
            }
        )
    )


@pytest.mark.parametrize(
    ("status", "reason", "action", "is_trading"),
    [
        (
            instrument_to_status(translate(OPTION), TS_EVENT, TS_INIT),
            "CREATED",
            MarketStatusAction.TRADING,
            True,
        ),
        (
            settled_to_status(translate(OPTION).id, TS_EVENT, TS_INIT),
            "SETTLED",
            MarketStatusAction.CLOSE,
            False,
        ),
        (
            delisted_to_status(translate(OPTION).id, TS_EVENT, TS_INIT),
            "DELETED",
            MarketStatusAction.NOT_AVAILABLE_FOR_TRADING,
            False,
        ),
    ],
    ids=["listed", "settled", "delisted"],
)
def test_status_after_an_event(status, reason, action, is_trading):
    assert status.instrument_id == translate(OPTION).id
    assert status.action == action
    assert status.is_trading is is_trading
    assert status.is_quoting is is_trading
    assert status.reason == reason
    assert (status.ts_event, status.ts_init) == (TS_EVENT, TS_INIT)


@pytest.mark.parametrize("row", [OPTION, PERP, SPOT], ids=lambda row: row["asset_kind"])
def test_a_listed_instrument_trades(row):
    status = instrument_to_status(translate(row), TS_EVENT, TS_INIT)

    assert status.action == MarketStatusAction.TRADING


def test_an_option_listed_before_it_opens():
    option = translate(OPTION, open_at=TS_EVENT // 10**6 + 1)

    status = instrument_to_status(option, TS_EVENT, TS_INIT)

    assert status.action == MarketStatusAction.PRE_OPEN
    assert (status.is_trading, status.is_quoting) == (False, False)


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (5000, "5000.00"),
        ("1234.565", "1234.56"),
        (1234.575, "1234.58"),
        ("0.00499999", "0.00"),
        (0, "0.00"),
    ],
)
def test_close_of_a_settled_option_is_its_payoff_on_its_grid(price, expected):
    option = translate(OPTION)

    close = market_event_to_close(event("SETTLED", settlement_price=price), option, TS_INIT)

    assert close.instrument_id == option.id
    assert str(close.close_price) == expected
    assert close.close_type == InstrumentCloseType.CONTRACT_EXPIRED
    assert (close.ts_event, close.ts_init) == (TS_EVENT, TS_INIT)


@pytest.mark.parametrize(
    "told", [event("SETTLED"), event("DELETED", settlement_price=5), event("UPDATED")]
)
def test_no_close_without_a_settlement_and_its_price(told):
    assert market_event_to_close(told, translate(OPTION), TS_INIT) is None


def test_close_from_the_settlement_price():
    option = translate(OPTION)
    settlement = parse_market_settlement(
        orjson.dumps(
            {
                "symbol": OPTION["symbol"],
                "expiry_at": MS_26DEC26,
                "settlement_price": "5000.125",
                "underlying_twap_price": "105000.125",
            }
        )
    )

    close = settlement_to_close(settlement, option, TS_INIT)

    assert close.close_price == Price.from_str("5000.12")
    assert (close.ts_event, close.ts_init) == (option.expiration_ns, TS_INIT)


@pytest.mark.parametrize("price", ["-1", str(int(PRICE_MAX) + 1)])
def test_a_price_nautilus_cannot_hold_is_a_named_error(price):
    told = event("SETTLED", settlement_price=price)

    with pytest.raises(OutOfRange):
        market_event_to_close(told, translate(OPTION), TS_INIT)
