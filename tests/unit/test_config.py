import json
import pickle
import re

import msgspec
import pytest
from nautilus_trader.config import ImportableConfig, TradingNodeConfig

from paradex_adapter.config import (
    REDACTED,
    ParadexDataClientConfig,
    ParadexExecClientConfig,
    config_environment,
    config_urls,
    need_one_venue,
)
from paradex_adapter.constants import ParadexEnvironment
from paradex_adapter.venue.errors import ConfigurationError

KEY = "0x5ec7e7"
ADDRESS = "0xacc0"
BOTH = pytest.mark.parametrize("config_type", [ParadexDataClientConfig, ParadexExecClientConfig])


@BOTH
def test_defaults_are_mainnet_and_its_addresses(config_type):
    config = config_type()

    assert config.environment is None
    assert config_environment(config) is ParadexEnvironment.MAINNET
    assert config_urls(config) == (
        "https://api.prod.paradex.trade/v1",
        "wss://ws.api.prod.paradex.trade/v1",
    )
    assert config.http_timeout_secs == 10.0
    assert config.max_retries == 3
    assert (config.retry_delay_initial_ms, config.retry_delay_max_ms) == (200, 5_000)
    assert config.update_instruments_interval_mins == 60


@BOTH
def test_environment_chooses_the_addresses_and_explicit_ones_win(config_type):
    testnet = config_type(environment=ParadexEnvironment.TESTNET)
    local = config_type(
        environment=ParadexEnvironment.TESTNET,
        base_url_http="http://127.0.0.1:8080/v1",
        base_url_ws="ws://[::1]:8080/v1",
    )

    assert config_urls(testnet) == (
        "https://api.testnet.paradex.trade/v1",
        "wss://ws.api.testnet.paradex.trade/v1",
    )
    assert config_urls(local) == ("http://127.0.0.1:8080/v1", "ws://[::1]:8080/v1")


@BOTH
@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("environment", "STAGING", "MAINNET or .TESTNET"),
        ("environment", "TESTNET", "MAINNET or .TESTNET"),
        ("base_url_http", "https://api.prod.paradex.trade", "end with /v1"),
        ("base_url_http", "https://api.prod.paradex.trade/v1/", "end with /v1"),
        ("base_url_http", "https://api.prod.paradex.trade/v1?x=1", "query"),
        ("base_url_http", "wss://api.prod.paradex.trade/v1", "not an address"),
        ("base_url_http", "api.prod.paradex.trade/v1", "not an address"),
        ("base_url_http", "https:///v1", "not an address"),
        ("base_url_http", "https://a b/v1", "not an address"),
        ("base_url_http", "https://host:port/v1", "not an address"),
        ("base_url_http", b"https://host/v1", "must be text"),
        ("base_url_ws", "wss://ws.api.prod.paradex.trade/v1?sbeSchemaId=1", "query"),
        ("base_url_ws", "wss://ws.api.prod.paradex.trade/v1?", "query"),
        ("base_url_ws", "wss://ws.api.prod.paradex.trade/v1#", "query"),
        ("base_url_ws", "https://ws.api.prod.paradex.trade/v1", "not an address"),
        ("base_url_ws", "", "not an address"),
        ("proxy_url", "proxy:3128", "not an address"),
        ("proxy_url", 3128, "must be text"),
        ("http_timeout_secs", 0, "greater than 0"),
        ("http_timeout_secs", -1.0, "greater than 0"),
        ("http_timeout_secs", float("nan"), "greater than 0"),
        ("http_timeout_secs", float("inf"), "greater than 0"),
        ("http_timeout_secs", True, "greater than 0"),
        ("http_timeout_secs", "10", "greater than 0"),
        ("http_timeout_secs", None, "greater than 0"),
        ("max_retries", -1, "at least 0"),
        ("max_retries", 1.5, "at least 0"),
        ("retry_delay_initial_ms", 0, "at least 1"),
        ("retry_delay_max_ms", 199, "at least 200"),
        ("update_instruments_interval_mins", 0, "at least 1"),
    ],
)
def test_an_impossible_option_is_named_in_one_sentence(config_type, setting, value, says):
    with pytest.raises(ConfigurationError) as caught:
        config_type(**{setting: value})

    text = str(caught.value)
    assert text.startswith(f"{setting}: ")
    assert says in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("recv_window_ms", 9),
        ("recv_window_ms", True),
        ("recv_window_ms", 300_001),
        ("private_key", 5),
        ("account_address", 5),
        ("margin_configs", {"BTC-USD-PERP.PARADEX": (10, "CROSS")}),
        ("public_key", "0x5"),
    ],
)
def test_an_impossible_option_of_the_execution_client(setting, value):
    with pytest.raises(ConfigurationError, match=f"^{setting}: "):
        ParadexExecClientConfig(**{setting: value})


@pytest.mark.parametrize("key", ["private_key", "private_key_file", "signer", "access_token"])
def test_onboarding_takes_the_ethereum_key(key):
    with pytest.raises(ConfigurationError, match=r"^onboard: it takes ethereum_private_key"):
        ParadexExecClientConfig(onboard=True, **{key: "0x5"})
    assert ParadexExecClientConfig(onboard=True, ethereum_private_key="0x5").onboard


@BOTH
@pytest.mark.parametrize(
    ("given", "address", "absent"),
    [
        ("base_url_http", "http://127.0.0.1:8080/v1", "base_url_ws"),
        ("base_url_ws", "ws://localhost:8080/v1", "base_url_http"),
    ],
)
def test_half_a_venue_of_this_machine_is_refused(config_type, given, address, absent):
    with pytest.raises(ConfigurationError, match=f"^{absent}: it is missing"):
        need_one_venue(config_type(**{given: address}))
    # Another way to the same venue may have one address of its own.
    elsewhere = address.replace("localhost", "h.example").replace("127.0.0.1", "h.example")
    need_one_venue(config_type(**{given: elsewhere}))


def test_a_function_as_the_signer_is_told_to_be_named():
    with pytest.raises(ConfigurationError, match=r"package\.module:function"):
        ParadexExecClientConfig(signer=len)


def test_bounds_that_are_allowed():
    config = ParadexExecClientConfig(
        http_timeout_secs=1,
        max_retries=0,
        retry_delay_initial_ms=1,
        retry_delay_max_ms=1,
        update_instruments_interval_mins=None,
        recv_window_ms=10,
    )

    assert config.recv_window_ms == 10
    assert config.update_instruments_interval_mins is None


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match="api_key"):
        ParadexExecClientConfig(api_key="x")
    with pytest.raises(TypeError, match="private_key"):
        ParadexDataClientConfig(private_key=KEY)


def test_the_private_key_is_never_shown():
    config = ParadexExecClientConfig(account_address=ADDRESS, private_key=KEY)
    node = TradingNodeConfig(exec_clients={"PARADEX": config})

    for shown in (
        repr(config),
        str(config),
        f"{config}",
        repr(config.dict()),
        repr(node),
        str(node.dict()),
        config.json().decode(),
        node.json().decode(),
        json.dumps(config.json_primitives()),
        config.id,
    ):
        assert KEY not in shown
        assert KEY[2:] not in shown
    assert REDACTED in repr(config)
    assert REDACTED in node.json().decode()
    assert ADDRESS in repr(config)


def test_the_private_key_keeps_its_value():
    config = ParadexExecClientConfig(private_key=KEY)

    assert config.private_key == KEY
    assert int(config.private_key, 16) == 0x5EC7E7
    assert pickle.loads(pickle.dumps(config)).private_key == KEY


@BOTH
def test_a_proxy_password_is_never_shown(config_type):
    config = config_type(proxy_url="http://me:hunter2@127.0.0.1:3128")

    assert "hunter2" not in repr(config)
    assert "hunter2" not in config.json().decode()
    assert config.proxy_url == "http://me:hunter2@127.0.0.1:3128"


@BOTH
def test_a_malformed_proxy_does_not_leak_its_password(config_type):
    with pytest.raises(ConfigurationError) as caught:
        config_type(proxy_url="http://me:hunter2@127.0.0.1:port")

    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("spelling", ["TESTNET", "testnet"])
def test_a_configuration_is_read_from_json(spelling):
    raw = json.dumps(
        {"environment": spelling, "private_key": KEY, "http_timeout_secs": 5, "max_retries": 1}
    )

    config = ParadexExecClientConfig.parse(raw)

    assert config.environment is ParadexEnvironment.TESTNET
    assert config.private_key == KEY
    assert KEY not in repr(config)


def test_json_with_an_unknown_environment_or_option_is_refused():
    with pytest.raises(Exception, match="STAGING"):
        ParadexDataClientConfig.parse('{"environment": "STAGING"}')
    with pytest.raises(Exception, match="api_key"):
        ParadexDataClientConfig.parse('{"api_key": "x"}')
    with pytest.raises(ConfigurationError, match="base_url_ws"):
        ParadexDataClientConfig.parse('{"base_url_ws": "wss://host/v1?x"}')


def test_a_configuration_round_trips_through_json_but_for_its_secrets():
    config = ParadexExecClientConfig(
        environment=ParadexEnvironment.TESTNET, account_address=ADDRESS, recv_window_ms=5_000
    )

    assert ParadexExecClientConfig.parse(config.json()) == config
    assert config.validate()


def test_a_configuration_is_importable_by_path():
    importable = ImportableConfig(
        path="paradex_adapter.config:ParadexDataClientConfig",
        config={"environment": "testnet"},
    )

    assert importable.create() == ParadexDataClientConfig(environment=ParadexEnvironment.TESTNET)


@BOTH
def test_every_option_is_documented_with_its_default(config_type):
    documented = config_type.__doc__
    for field in msgspec.structs.fields(config_type):
        if field.name in config_type.__base__.__struct_fields__:
            continue
        line = next(
            line for line in documented.splitlines() if re.search(rf"\b{field.name}\b", line)
        )
        if ":" in line and field.default is not None:
            assert f"default {field.default}" in line


@pytest.mark.parametrize(
    "option", [{"sockets_max": 0}, {"sockets_max": 17}, {"feed_health_interval_secs": 0}]
)
def test_options_of_the_feed_have_bounds(option):
    with pytest.raises(ConfigurationError, match=next(iter(option))):
        ParadexDataClientConfig(**option)
    ParadexDataClientConfig(sockets_max=16, feed_health_interval_secs=None)


def test_margin_settings_are_read_from_json_where_pairs_are_lists():
    raw = b'{"margin_configs": {"BTC-USD-PERP": [10, "CROSS"]}, "cancel_on_disconnect": true}'
    config = ParadexExecClientConfig.parse(raw)
    assert config.margin_configs == {"BTC-USD-PERP": (10, "CROSS")}
    assert ParadexExecClientConfig.parse(config.json()) == config


@pytest.mark.parametrize(
    "pair", ["[10]", '[10, "CROSS", 1]', '[10.5, "CROSS"]', '["10", "CROSS"]', '[10, "BOTH"]', "10"]
)
def test_margin_settings_that_cannot_be_are_refused_in_json(pair):
    with pytest.raises((ConfigurationError, msgspec.ValidationError)):
        ParadexExecClientConfig.parse(f'{{"margin_configs": {{"BTC-USD-PERP": {pair}}}}}')
