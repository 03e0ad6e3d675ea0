"""The tables of the integration guide say what the code does."""

import ast
import inspect
import json
import re
import textwrap
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nautilus_trader.common.component import TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.config import InstrumentProviderConfig
from nautilus_trader.model.currencies import ETH, USDC
from nautilus_trader.model.enums import (
    ContingencyType,
    OrderSide,
    OrderType,
    TimeInForce,
    TriggerType,
    order_type_to_str,
    time_in_force_to_str,
)
from nautilus_trader.model.identifiers import (
    ClientOrderId,
    InstrumentId,
    StrategyId,
    Symbol,
    TraderId,
)
from nautilus_trader.model.instruments import CryptoPerpetual, CurrencyPair, Instrument
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.model.orders import Order
from nautilus_trader.test_kit.providers import TestInstrumentProvider

import paradex_adapter
from paradex_adapter.config import ParadexDataClientConfig, ParadexExecClientConfig
from paradex_adapter.data import ParadexDataClient
from paradex_adapter.execution import ParadexExecutionClient
from paradex_adapter.providers import ParadexInstrumentProvider
from paradex_adapter.translate import instruments, order_params, orders
from paradex_adapter.venue import streams
from paradex_adapter.venue.credentials import Credentials, resolve_credentials
from paradex_adapter.venue.errors import ConfigurationError
from paradex_adapter.venue.order_requests import (
    RECV_WINDOW_MS_MAX,
    RECV_WINDOW_MS_MIN,
    fits_rpc,
    sign_order_request,
)
from paradex_adapter.venue.rate_limits import RateLimits, Scope
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter_core.vocabulary import ASSET_KINDS, ORDER_TYPES

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "integration.md"
TEXT = GUIDE.read_text(encoding="utf-8")
BTC = InstrumentId.from_str("BTC-USD-PERP.PARADEX")


def section(title: str) -> str:
    """Return the text under a heading, up to the next of its level or higher."""
    level, _, _ = title.partition(" ")
    found = re.search(rf"^{re.escape(title)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", TEXT, re.M | re.S)
    assert found, f"the guide has no {title!r}"
    return found.group(1)


def table(title: str) -> list[list[str]]:
    """Return the rows of the first table under a heading, without its head."""
    lines = section(title).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("|---"))
    rows = []
    for line in lines[start + 1 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def words(cell: str) -> list[str]:
    """Return what stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


# Names and options.


def test_the_public_names_are_listed() -> None:
    named = {word for row in table("## Overview") for word in words(row[0])}
    assert named == set(paradex_adapter.__all__) - {"__version__"}


@pytest.mark.parametrize("config", [ParadexDataClientConfig, ParadexExecClientConfig])
def test_every_option_stands_with_its_default_and_unit(config: Any) -> None:
    inherited = set(config.__base__.__struct_fields__)
    options = {f.name: f for f in msgspec.structs.fields(config) if f.name not in inherited}
    rows = table(f"### {config.__name__}")
    assert [words(row[0])[0] for row in rows] == list(options)
    units = {"_ms": "ms", "_secs": "s", "_mins": "min"}
    for (name,), default, unit, meaning in ((words(row[0]), *row[1:]) for row in rows):
        assert default == f"`{options[name].default}`", name
        expected = next((u for suffix, u in units.items() if name.endswith(suffix)), "")
        assert unit == expected, name
        assert meaning


def test_the_settings_of_the_node_are_nautilustraders_own() -> None:
    title = "### Which settings to choose"
    (block,) = re.findall(r"^```python\n(.*?)^```", section(title), re.M | re.S)
    scope: dict[str, Any] = {}
    exec(block, scope)  # the guide's own text
    chosen = scope["config"].exec_engine
    defaults = {field.name: field.default for field in msgspec.structs.fields(type(chosen))}
    for name, default, take, why in table(title):
        (setting,) = words(name)
        assert default == f"`{defaults[setting]}`", setting
        expected = take.strip("`") if take.startswith("`") else str(defaults[setting])
        assert str(getattr(chosen, setting)).removesuffix(".0") == expected, setting
        assert why


def test_the_variables_are_those_that_are_read() -> None:
    address, key = "0x12", "0x34"
    for environment, address_cell, key_cell in section_table("## Credentials", 1):
        variables = {words(address_cell)[0]: address, words(key_cell)[0]: key}
        credentials = resolve_credentials(environment, environ=variables)
        assert credentials.account_address == address
        with pytest.raises(ConfigurationError, match=words(key_cell)[0]):
            resolve_credentials(environment, environ={words(address_cell)[0]: address})


def section_table(title: str, number: int) -> list[list[str]]:
    """Return the rows of a further table under a heading."""
    blocks = re.findall(r"(?:^\|.*\n)+", section(title), re.M)
    rows = blocks[number].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


# Products.


def test_products_are_those_that_are_translated() -> None:
    told: dict[str, set[str]] = {"yes": set(), "no": set()}
    for kind, _, is_loaded in table("## Products"):
        told[is_loaded].add(kind.split(",")[0].split(" ")[0])
    translated = {word for word, code in ASSET_KINDS.items() if code in instruments._TRANSLATORS}
    assert told["yes"] == translated
    assert told["no"] == set(ASSET_KINDS) - translated | {"any"}


def test_products_become_the_classes_named() -> None:
    named = {word for row in table("## Products") for word in words(row[1])}
    for name in named:
        assert issubclass(getattr(instruments, name), Instrument)
    assert named == {
        node.func.id
        for node in ast.walk(ast.parse(inspect.getsource(instruments)))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in vars(instruments)
        and inspect.isclass(vars(instruments)[node.func.id])
        and issubclass(vars(instruments)[node.func.id], Instrument)
        # A helper of backtests, not a product.
        and node.func.id != "IndexInstrument"
    }


def test_filters_are_those_the_provider_takes() -> None:
    told = {name for name in re.findall(r'filters=\{"(\w+)"', section("## Instrument provider"))}
    config = InstrumentProviderConfig(load_all=True, filters={"no such filter": "x"})
    with pytest.raises(ConfigurationError) as caught:
        ParadexInstrumentProvider(None, config)  # type: ignore[arg-type]
    known = caught.value.remedy.partition("; use ")[2]
    assert told == set(known.split(", "))


# Market data.

# What each row is called in the client: live, snapshot, historical; None where Nautilus has no such
# hook, or where the row says "-".
HOOKS: dict[str, tuple[str | None, str | None, str | None]] = {
    "Instruments": ("subscribe_instruments", "request_instruments", None),
    "Quotes": ("subscribe_quote_ticks", None, "request_quote_ticks"),
    "Trades": ("subscribe_trade_ticks", None, "request_trade_ticks"),
    "Order book deltas": (
        "subscribe_order_book_deltas",
        "request_order_book_snapshot",
        "request_order_book_deltas",
    ),
    "Order book depth 10": ("subscribe_order_book_depth", "request_order_book_depth", None),
    "Bars": ("subscribe_bars", None, "request_bars"),
    "Mark prices": ("subscribe_mark_prices", None, None),
    "Index prices": ("subscribe_index_prices", None, None),
    "Funding rates": ("subscribe_funding_rates", None, "request_funding_rates"),
    "Instrument status": ("subscribe_instrument_status", None, None),
    "Instrument close": ("subscribe_instrument_close", None, None),
    "Option greeks": ("subscribe_option_greeks", None, None),
    "Forward prices": (None, "request_forward_prices", None),
    "Custom data": ("subscribe", None, "request"),
}
# Two hooks that share a row with another.
ALSO = {"subscribe_instrument": "Instruments", "request_instrument": "Instruments"}


def is_supported(hook: str) -> bool:
    """Return whether a hook of the data client does more than to say that it does nothing."""
    source = textwrap.dedent(inspect.getsource(getattr(ParadexDataClient, f"_{hook}")))
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.AsyncFunctionDef)
    first = function.body[0]
    says_no = re.compile(r"self\._(refuse|answer_nothing)\(|are not supported at Paradex")
    return not (isinstance(first, ast.Expr) and says_no.search(ast.unparse(first)))


def test_market_data_is_what_the_client_serves() -> None:
    rows = {row[0]: row[1:4] for row in table("## Market data")}
    assert list(rows) == list(HOOKS)
    for name, hooks in HOOKS.items():
        expected = [
            "-" if hook is None else "yes" if is_supported(hook) else "no" for hook in hooks
        ]
        assert rows[name] == expected, name


def test_no_hook_of_the_client_is_left_out() -> None:
    named = {hook for hooks in HOOKS.values() for hook in hooks if hook} | set(ALSO)
    own = {
        name.removeprefix("_")
        for cls in ParadexDataClient.__mro__
        if cls.__module__.startswith("paradex_adapter")
        for name in vars(cls)
        if re.fullmatch(r"_(subscribe|request)(_(?!channel)\w+)?", name)
    }
    assert own == named
    assert all(is_supported(hook) for hook in ALSO)


def test_the_judge_of_hooks_tells_yes_from_no() -> None:
    assert is_supported("subscribe_quote_ticks")
    assert is_supported("subscribe_order_book_deltas")
    assert not is_supported("request_quote_ticks")
    assert not is_supported("request_order_book_deltas")


def test_channels_are_those_subscribed() -> None:
    channels = " ".join(streams.CHANNELS.values())
    for row in table("## Market data"):
        for channel in words(row[4]):
            assert channel.replace("{market}", "{}") in channels, channel


# Orders.


@pytest.fixture
def factory() -> OrderFactory:
    return OrderFactory(TraderId("T-001"), StrategyId("S-001"), TestClock())


@pytest.fixture
def perpetual() -> CryptoPerpetual:
    return CryptoPerpetual(
        instrument_id=BTC,
        raw_symbol=Symbol("BTC-USD-PERP"),
        base_currency=USDC,
        quote_currency=USDC,
        settlement_currency=USDC,
        is_inverse=False,
        price_precision=1,
        size_precision=5,
        price_increment=Price.from_str("0.1"),
        size_increment=Quantity.from_str("0.00001"),
        max_quantity=Quantity.from_str("100.00000"),
        min_notional=Money(10, USDC),
        ts_event=0,
        ts_init=0,
    )


def spot() -> CurrencyPair:
    return CurrencyPair(
        instrument_id=InstrumentId.from_str("ETH-USD.PARADEX"),
        raw_symbol=Symbol("ETH-USD"),
        base_currency=ETH,
        quote_currency=USDC,
        price_precision=1,
        size_precision=5,
        price_increment=Price.from_str("0.1"),
        size_increment=Quantity.from_str("0.00001"),
        ts_event=0,
        ts_init=0,
        lot_size=Quantity.from_str("0.00001"),
        maker_fee=Decimal(0),
        taker_fee=Decimal(0),
    )


def verdicts(title: str) -> dict[str, str]:
    return {word: row[-1] for row in table(title) for word in words(row[0])}


def test_order_types_are_those_that_are_sent() -> None:
    told = verdicts("### Types")
    named = {order_type_to_str(kind): kind for kind in OrderType}
    assert set(told) == set(named)
    sent = {order_type_to_str(kind) for kind in orders._ORDER_TYPES}
    assert {name for name, verdict in told.items() if verdict == "yes"} == sent
    assert set(told.values()) == {"yes", "denied"}


def test_order_types_go_as_the_venues_own() -> None:
    told = {words(row[0])[0]: row[1] for row in table("### Types") if row[1]}
    by_code = {code: word for word, code in ORDER_TYPES.items()}
    sent = {order_type_to_str(kind): by_code[code] for kind, code in orders._ORDER_TYPES.items()}
    assert told == {name: f"`{word}`" for name, word in sent.items()}


def test_params_are_those_that_are_read() -> None:
    rows = {words(row[0])[0]: row[1:] for row in table("### Params")}
    assert list(rows) == list(order_params._PARSERS)
    assert [json.loads(word) for word in words(rows["stp"][0])] == list(order_params._STP_MODES)
    window = [int(number) for number in re.findall(r"\d+", rows["recv_window_ms"][0])]
    assert window == [RECV_WINDOW_MS_MIN, RECV_WINDOW_MS_MAX]
    assert re.findall(r'"(\w+)":', rows["twap"][0]) == [
        field.name for field in fields(order_params.TwapTerms)
    ]


def test_params_are_sent_the_way_that_is_told(
    factory: OrderFactory, perpetual: CryptoPerpetual
) -> None:
    signer = OrderSigner(Credentials(1, 1), "PRIVATE_SN_PARACLEAR_MAINNET")
    values: dict[str, object] = {
        "rpi": True,
        "mmp": True,
        "stp": "EXPIRE_BOTH",
        "vwap_price": "90000",
        "recv_window_ms": 1_000,
        "dime_discount": True,
        "on_behalf_of_account": "0x1",
    }
    size = Quantity.from_str("0.1")
    for key, _, what, sent_by in ((words(row[0])[0], *row[1:]) for row in table("### Params")):
        if key == "twap":
            # A request of its own, which the websocket does not have.
            assert sent_by == "REST"
            continue
        params = order_params.parse_order_params({key: values[key]})
        order = factory.limit(BTC, OrderSide.BUY, size, Price.from_str("1000.0"))
        if "`MARKET`" in what:
            assert orders.find_denial_reason(order, perpetual, params) is not None
            order = factory.market(BTC, OrderSide.BUY, size)
        assert orders.find_denial_reason(order, perpetual, params) is None
        request = orders.order_to_request(order, perpetual, params)
        body = sign_order_request(request, signer, 1, None)
        assert sent_by == ("websocket" if fits_rpc(body) else "REST"), key


def test_times_in_force_are_those_that_are_sent() -> None:
    told = verdicts("### Time in force")
    assert set(told) == {time_in_force_to_str(kind) for kind in TimeInForce}
    sent = {time_in_force_to_str(kind) for kind in orders._TIMES_IN_FORCE}
    assert {name for name, verdict in told.items() if verdict == "yes"} == sent


type Case = tuple[Order, Instrument | None] | tuple[Order, Instrument | None, dict[str, Any]]


def denied_orders(factory: OrderFactory) -> list[Case]:
    """Return an order for each row of the table of reasons, in its order, with its params."""
    size, price = Quantity.from_str("0.1"), Price.from_str("90000.1")
    trigger = Price.from_str("80000.0")
    spot_pair = spot()

    def limit(**fields: Any) -> Order:
        values = {"quantity": size, "price": price, **fields}
        return factory.limit(BTC, OrderSide.BUY, **values)

    def stop(trigger_price: Price = trigger, **fields: Any) -> Order:
        return factory.stop_market(BTC, OrderSide.BUY, size, trigger_price, **fields)

    def stop_limit(**fields: Any) -> Order:
        return factory.stop_limit(BTC, OrderSide.BUY, size, price, price, **fields)

    def touched_limit(**fields: Any) -> Order:
        return factory.limit_if_touched(
            BTC, OrderSide.BUY, size, price, trigger, reduce_only=True, **fields
        )

    future = TestInstrumentProvider.btcusdt_future_binance()
    of_future = factory.limit(
        future.id, OrderSide.BUY, future.make_qty(1), future.make_price(90_000)
    )
    at_market = factory.market(BTC, OrderSide.BUY, size)
    in_parts = {"twap": {"duration_secs": 90}}
    on_spot = factory.limit(spot_pair.id, OrderSide.SELL, size, price, reduce_only=True)
    doge = InstrumentId.from_str("DOGE-USD-PERP.PARADEX")
    unloaded = factory.limit(doge, OrderSide.BUY, size, price)
    return [
        (limit(client_order_id=ClientOrderId("O" * 65)), None),
        (limit(client_order_id=ClientOrderId("O-\t1")), None),
        (factory.market_to_limit(BTC, OrderSide.BUY, size), None),
        (limit(time_in_force=TimeInForce.FOK), None),
        (limit(quote_quantity=True), None),
        (limit(display_qty=Quantity.from_str("0.01")), None),
        (stop_limit(time_in_force=TimeInForce.IOC), None),
        (limit(post_only=True, time_in_force=TimeInForce.IOC), None),
        (touched_limit(post_only=True), None),
        (stop(trigger_type=TriggerType.LAST_PRICE), None),
        (stop(trigger_instrument_id=InstrumentId.from_str("ETH-USD-PERP.PARADEX")), None),
        (factory.market_if_touched(BTC, OrderSide.BUY, size, trigger), None),
        (limit(), None, {"post_only": True}),
        (limit(), None, {"stp": "EXPIRE"}),
        (at_market, None, {"rpi": True}),
        (limit(time_in_force=TimeInForce.IOC), None, {"mmp": True}),
        (limit(), None, {"vwap_price": "90000"}),
        (at_market, None, {"twap": {"duration_secs": 60}, "vwap_price": "90000"}),
        (at_market, None, {**in_parts, "on_behalf_of_account": "0x1"}),
        (factory.market(BTC, OrderSide.BUY, size, reduce_only=True), None, in_parts),
        (unloaded, None),
        (on_spot, spot_pair),
        (factory.stop_market(spot_pair.id, OrderSide.BUY, size, price), spot_pair),
        (factory.limit(spot_pair.id, OrderSide.SELL, size, price), spot_pair, {"rpi": True}),
        (of_future, future, {"mmp": True}),
        (limit(quantity=Quantity.from_str("0.000001")), None),
        (limit(quantity=Quantity.from_str("100.1")), None),
        (factory.market(BTC, OrderSide.BUY, Quantity.from_str("0.00002")), None, in_parts),
        (factory.market(BTC, OrderSide.BUY, Quantity.from_str("300.00003")), None, in_parts),
        (factory.market(BTC, OrderSide.BUY, Quantity.from_str("0.00030")), None, in_parts),
        (limit(price=Price.from_str("100.05")), None),
        (limit(price=Price.from_str("0.0")), None),
        (stop(Price.from_str("80000.05")), None),
        (stop(), None),
        (limit(quantity=Quantity.from_str("0.0001")), None),
    ]


def test_reasons_of_denials_are_word_for_word(
    factory: OrderFactory, perpetual: CryptoPerpetual
) -> None:
    told = [words(row[0])[0] for row in table("### What is denied, and why")]
    cases = denied_orders(factory)
    given = []
    mark = orders.KnownPrices(mark=Price.from_str("90000.0"))
    for order, instrument, *params in cases:
        known = perpetual if order.instrument_id == BTC else instrument
        try:
            parsed = order_params.parse_order_params(*params or [None])
        except order_params.UnusableParams as error:
            given.append(str(error))
        else:
            given.append(orders.find_denial_reason(order, known, parsed, mark))
    assert given == told


def test_instructions_are_taken_or_denied(
    factory: OrderFactory, perpetual: CryptoPerpetual
) -> None:
    rows = {row[0]: row[1] for row in table("### Instructions")}
    assert {rows["`quote_quantity`"], rows["`display_qty`"]} == {"denied"}
    assert {rows["`post_only`"], rows["`reduce_only`"]} == {"yes"}
    assert rows["contingencies (OTO, OCO, OUO), brackets"] == "yes"
    bracket = factory.bracket(
        BTC,
        OrderSide.BUY,
        Quantity.from_str("0.1"),
        sl_trigger_price=Price.from_str("80000.0"),
        tp_price=Price.from_str("99000.0"),
    )
    for order in bracket.orders:
        assert order.contingency_type != ContingencyType.NO_CONTINGENCY
        assert orders.find_denial_reason(order, perpetual) is None


OPERATIONS = {
    "Submit": "submit_order",
    "Submit list": "submit_order_list",
    "Modify": "modify_order",
    "Cancel": "cancel_order",
    "Cancel all": "cancel_all_orders",
    "Batch cancel": "batch_cancel_orders",
    "Query order": "query_order",
    "Query account": "query_account",
}


def test_operations_are_those_of_the_client() -> None:
    rows = {row[0]: row[1:] for row in table("### Operations")}
    assert list(rows) == list(OPERATIONS)
    for name, hook in OPERATIONS.items():
        source = inspect.getsource(getattr(ParadexExecutionClient, f"_{hook}"))
        is_rejected = "is not supported" in source
        assert rows[name][0] == ("rejected" if is_rejected else "yes"), name
        for sentence in words(rows[name][1]):
            assert sentence in source


# Limits.


def test_rate_limits_are_those_that_are_kept() -> None:
    buckets = RateLimits()._buckets

    def kept(scope: Scope) -> set[tuple[int, float]]:
        return {(bucket.limit, bucket.window_secs) for bucket in buckets[scope]}

    def told(cell: str) -> set[tuple[int, float]]:
        secs = {"second": 1.0, "minute": 60.0}
        return {(int(n), secs[unit]) for n, unit in re.findall(r"(\d+) a (second|minute)", cell)}

    rows = {row[0]: told(row[1]) for row in table("## Rate limits")}
    every = rows["all private REST requests"]
    assert rows["public reads"] == kept(Scope.PUBLIC)
    assert rows["tokens, onboarding"] == kept(Scope.AUTH)
    assert rows["private reads"] | every == kept(Scope.PRIVATE_READ)
    of_orders = rows["orders and cancels, REST and websocket together"]
    assert of_orders == kept(Scope.ORDER_RPC)
    assert of_orders | every == kept(Scope.ORDERS)


def sources() -> str:
    root = Path(inspect.getfile(paradex_adapter)).parent
    return "\n".join(path.read_text() for path in root.rglob("*.py"))


def test_what_is_said_is_said_in_these_words() -> None:
    """Each message of the troubleshooting table has its longest piece in the code."""
    # Pieces stand in several literals, on several lines, with values formatted in.
    text = re.sub(r'"\s*\n\s*f?"', "", sources())
    text += (GUIDE.parents[1] / "setup.py").read_text()
    for row in table("## Troubleshooting"):
        (message,) = words(row[0])
        pieces = re.split(r"\.\.\.|\(\)|: |; |MAINNET|PARADEX_PRIVATE_KEY|'kind'", message)
        longest = max((piece.strip(" ()") for piece in pieces), key=len)
        assert longest in text, message
