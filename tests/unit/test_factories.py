import asyncio
import gc
import weakref

import pytest
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.config import InstrumentProviderConfig
from nautilus_trader.model.identifiers import ClientId, TraderId
from nautilus_trader.test_kit.stubs.component import TestComponentStubs

from paradex_adapter import factories
from paradex_adapter.config import ParadexDataClientConfig, ParadexExecClientConfig
from paradex_adapter.constants import PARADEX_VENUE, ParadexEnvironment
from paradex_adapter.data import ParadexDataClient
from paradex_adapter.execution import ParadexExecutionClient
from paradex_adapter.factories import ParadexLiveDataClientFactory, ParadexLiveExecClientFactory
from paradex_adapter.venue.errors import ConfigurationError

LOCAL = {"base_url_http": "http://127.0.0.1:1/v1", "base_url_ws": "ws://127.0.0.1:1/v1"}
ALICE = {"account_address": "0xa11ce", "private_key": "0xa"}
BOB = {"account_address": "0xb0b", "private_key": "0xb"}
VARIABLES = [
    f"{prefix}_{name}"
    for prefix in ("PARADEX", "PARADEX_TESTNET")
    for name in ("ACCOUNT_ADDRESS", "PRIVATE_KEY")
]


@pytest.fixture(autouse=True)
def no_credentials_in_the_environment(monkeypatch):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


class Node:
    """What a node hands to a factory."""

    def __init__(self, trader_id: str = "TESTER-000") -> None:
        self.clock = LiveClock()
        self.msgbus = MessageBus(TraderId(trader_id), self.clock)
        self.cache = TestComponentStubs.cache()
        self.clients: list[ParadexDataClient | ParadexExecutionClient] = []

    def make(self, factory, name: str, config):
        client = factory.create(
            loop=asyncio.get_running_loop(),
            name=name,
            config=config,
            msgbus=self.msgbus,
            cache=self.cache,
            clock=self.clock,
        )
        self.clients.append(client)
        return client

    def data(self, name: str = "PARADEX", **options) -> ParadexDataClient:
        config = ParadexDataClientConfig(**LOCAL | options)
        return self.make(ParadexLiveDataClientFactory, name, config)

    def execution(self, name: str = "PARADEX", **options) -> ParadexExecutionClient:
        config = ParadexExecClientConfig(**LOCAL | options)
        return self.make(ParadexLiveExecClientFactory, name, config)


@pytest.fixture
async def node():
    node = Node()
    yield node
    for client in node.clients:
        await client._disconnect()


async def test_a_data_client_needs_no_credentials(node):
    client = node.data()

    assert type(client) is ParadexDataClient
    assert client.id == ClientId("PARADEX")
    assert client.venue == PARADEX_VENUE


async def test_an_execution_client(node):
    client = node.execution(**ALICE)

    assert type(client) is ParadexExecutionClient
    assert client.id == ClientId("PARADEX")
    assert client.venue == PARADEX_VENUE
    assert client.base_currency is None
    # Nautilus refuses an account whose issuer is not the client.
    assert client.account_id.get_issuer() == "PARADEX"
    assert ALICE["private_key"] not in repr(client)


async def test_an_account_has_one_client_in_a_node(node):
    node.execution(**ALICE)
    with pytest.raises(ConfigurationError, match="another client of this node trades 0xa11ce"):
        node.execution("HEDGE", **ALICE, is_additional=True)
    node.execution("HEDGE", **BOB, is_additional=True)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["account_address", "PARADEX_ACCOUNT_ADDRESS"]),
        ({"account_address": "0xa11ce"}, ["private_key", "PARADEX_PRIVATE_KEY"]),
        (
            {"environment": ParadexEnvironment.TESTNET},
            ["account_address", "PARADEX_TESTNET_ACCOUNT_ADDRESS"],
        ),
        ({"account_address": "0xa11ce", "private_key": "s3cret"}, ["private_key", "malformed"]),
        ({"account_address": "alice", "private_key": "0xa"}, ["account_address", "malformed"]),
        ({"account_address": "0x0", "private_key": "0xa"}, ["account_address", "address"]),
    ],
)
async def test_missing_or_malformed_credentials_are_one_clear_sentence(node, options, names):
    with pytest.raises(ConfigurationError) as caught:
        node.execution(**options)

    text = str(caught.value)
    assert "\n" not in text
    assert "s3cret" not in text
    for name in names:
        assert name in text


@pytest.mark.parametrize(
    ("environment", "prefix"),
    [
        (None, "PARADEX"),
        (ParadexEnvironment.MAINNET, "PARADEX"),
        (ParadexEnvironment.TESTNET, "PARADEX_TESTNET"),
    ],
)
async def test_credentials_come_from_the_environments_own_variables(
    node, monkeypatch, environment, prefix
):
    monkeypatch.setenv(f"{prefix}_ACCOUNT_ADDRESS", "0xc0ffee")
    monkeypatch.setenv(f"{prefix}_PRIVATE_KEY", "0xc")

    client = node.execution(environment=environment)

    assert "c0ffee" in client.account_id.value


async def test_options_only_the_connection_can_judge(node):
    with pytest.raises(ConfigurationError, match="max_retries"):
        node.data(max_retries=1_000)


async def test_half_a_venue_of_this_machine_is_refused(node):
    address = {"base_url_http": "http://127.0.0.1:9/v1", "base_url_ws": None}
    with pytest.raises(ConfigurationError, match="base_url_ws: it is missing"):
        node.data(**address)
    with pytest.raises(ConfigurationError, match="base_url_ws: it is missing"):
        node.execution(**address, **ALICE)


async def test_filters_are_checked_before_the_node_starts(node):
    provider = InstrumentProviderConfig(load_all=True, filters={"kind": "PERPS"})

    with pytest.raises(ConfigurationError, match="filters"):
        node.data(instrument_provider=provider)
    with pytest.raises(ConfigurationError, match="filters"):
        node.execution(instrument_provider=provider, **ALICE)


async def test_two_accounts_and_two_environments_live_in_one_process(node):
    alice = node.execution("ALICE", **ALICE)
    bob = node.execution("BOB", **BOB)
    other = node.execution("OTHER", **ALICE | {"base_url_http": "http://127.0.0.1:2/v1"})
    quotes = node.data("QUOTES", environment=ParadexEnvironment.TESTNET)

    assert [client.id.value for client in node.clients] == ["ALICE", "BOB", "OTHER", "QUOTES"]
    assert len({client.account_id for client in (alice, bob, other)}) == 3
    assert len({id(client._http) for client in node.clients}) == 4
    assert len({id(client._provider) for client in node.clients}) == 4
    assert quotes.venue == alice.venue == PARADEX_VENUE


async def test_clients_of_one_account_share_its_limits_and_all_share_the_address(node):
    data = node.data()
    alice = node.execution("ALICE", **ALICE)
    neighbor = Node("NEIGHBOR-000")
    again = neighbor.execution(**ALICE)
    bob = node.execution("BOB", **BOB)
    other = node.execution("OTHER", **ALICE | {"base_url_http": "http://127.0.0.1:2/v1"})

    assert alice._http._limits is again._http._limits
    assert alice._http._limits is not bob._http._limits
    assert alice._http._limits is not other._http._limits
    address = data._http._limits._address
    assert address is alice._http._limits._address is bob._http._limits._address
    assert address is not other._http._limits._address
    await again._disconnect()


async def test_the_data_client_shows_the_fees_of_its_own_nodes_account(node):
    data = node.data()
    execution = node.execution(**ALICE)
    neighbor = Node("NEIGHBOR-000")
    other = neighbor.execution(**BOB)

    assert data._provider._shared_fees is execution._provider._shared_fees
    assert other._provider._shared_fees is not execution._provider._shared_fees
    await other._disconnect()


async def test_the_timeout_the_proxy_and_the_clock_are_handed_on(node, monkeypatch):
    made = []

    real = factories.HttpClient

    def make(base_url, **options):
        made.append((base_url, options))
        return real(base_url, **options)

    monkeypatch.setattr(factories, "HttpClient", make)
    client = node.data(
        proxy_url="http://me:pw@127.0.0.1:3128",
        http_timeout_secs=3,
        max_retries=1,
        retry_delay_initial_ms=7,
        retry_delay_max_ms=70,
    )

    ((base_url, options),) = made
    assert base_url == LOCAL["base_url_http"]
    assert options["proxy_url"] == "http://me:pw@127.0.0.1:3128"
    assert options["timeout_secs"] == 3
    assert options["max_retries"] == 1
    assert (options["retry_delay_initial_ms"], options["retry_delay_max_ms"]) == (7, 70)
    assert client._provider._clock_ns == node.clock.timestamp_ns


def test_nothing_is_kept_for_a_loop_that_is_gone():
    async def run() -> weakref.ref:
        node = Node()
        client = node.data()
        share = next(iter(factories._shares[asyncio.get_running_loop()].values()))
        await client._disconnect()
        return weakref.ref(share)

    share = asyncio.run(run())
    gc.collect()

    assert share() is None
