"""What users import and configure: a change here breaks them."""

import importlib.metadata
import json
import subprocess
import sys

import msgspec
import pytest
from nautilus_trader.config import LiveDataClientConfig, LiveExecClientConfig
from nautilus_trader.live.factories import LiveDataClientFactory, LiveExecClientFactory
from nautilus_trader.model.identifiers import ClientId, Venue

import paradex_adapter
from tests.child_processes import child_environment

PUBLIC_NAMES = {
    "PARADEX",
    "PARADEX_CLIENT_ID",
    "PARADEX_VENUE",
    "ParadexAlgoOrder",
    "ParadexDataClientConfig",
    "ParadexEnvironment",
    "ParadexError",
    "ParadexExecClientConfig",
    "ParadexFundingComparison",
    "ParadexFundingPayment",
    "ParadexInstrumentProvider",
    "ParadexLiveDataClientFactory",
    "ParadexLiveExecClientFactory",
    "ParadexMarketSummary",
    "ParadexTradeBust",
    "ParadexTradeType",
    "__version__",
}
SHARED_OPTIONS = {
    "environment",
    "base_url_http",
    "base_url_ws",
    "proxy_url",
    "http_timeout_secs",
    "max_retries",
    "retry_delay_initial_ms",
    "retry_delay_max_ms",
    "update_instruments_interval_mins",
}
DATA_OPTIONS = SHARED_OPTIONS | {"feed_health_interval_secs", "sockets_max"}
EXEC_OPTIONS = SHARED_OPTIONS | {
    "access_token",
    "account_address",
    "account_signer_type",
    "ethereum_private_key",
    "onboard",
    "trader_profile",
    "margin_configs",
    "cancel_on_disconnect",
    "system_state_interval_secs",
    "is_additional",
    "private_key",
    "private_key_file",
    "public_key",
    "recv_window_ms",
    "signer",
}
# Heavy, and no business of whoever wants the local exchange or the pytest fixture alone.
HEAVY_MODULES = {
    "aiohttp",
    "fast_stark_crypto",
    "httpx",
    "nautilus_trader",
    "paradex_adapter.local_exchange",
    "picows",
    "starknet_py",
    "websockets",
}


def test_public_names():
    assert set(paradex_adapter.__all__) == PUBLIC_NAMES
    assert set(dir(paradex_adapter)) >= PUBLIC_NAMES
    for name in PUBLIC_NAMES:
        assert getattr(paradex_adapter, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="ParadexSpotClient"):
        _ = paradex_adapter.ParadexSpotClient
    with pytest.raises(ImportError):
        from paradex_adapter import ParadexSpotClient  # noqa: F401


def test_identities():
    assert paradex_adapter.PARADEX == "PARADEX"
    assert Venue("PARADEX") == paradex_adapter.PARADEX_VENUE
    assert ClientId("PARADEX") == paradex_adapter.PARADEX_CLIENT_ID
    assert [member.name for member in paradex_adapter.ParadexEnvironment] == ["MAINNET", "TESTNET"]


def test_types_are_nautilus_own():
    assert issubclass(paradex_adapter.ParadexDataClientConfig, LiveDataClientConfig)
    assert issubclass(paradex_adapter.ParadexExecClientConfig, LiveExecClientConfig)
    # Anything else Nautilus only logs as an error, and starts without the client.
    assert issubclass(paradex_adapter.ParadexLiveDataClientFactory, LiveDataClientFactory)
    assert issubclass(paradex_adapter.ParadexLiveExecClientFactory, LiveExecClientFactory)


@pytest.mark.parametrize(
    ("name", "options"),
    [("ParadexDataClientConfig", DATA_OPTIONS), ("ParadexExecClientConfig", EXEC_OPTIONS)],
)
def test_options(name, options):
    config_type = getattr(paradex_adapter, name)

    own = {field.name for field in msgspec.structs.fields(config_type)}
    own -= set(config_type.__base__.__struct_fields__)

    assert own == options
    assert all(not field.required for field in msgspec.structs.fields(config_type))


def test_the_version_is_that_of_the_core():
    from paradex_adapter_core.version import __version__

    assert paradex_adapter.__version__ == __version__
    assert __version__.split(".")[0].isdecimal()


def test_an_installed_distribution_has_the_same_version():
    try:
        installed = importlib.metadata.version("paradex-adapter")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the distribution is not installed here, only its source")
    assert installed == paradex_adapter.__version__


def test_importing_the_package_is_cheap():
    code = "import json, sys, paradex_adapter; print(json.dumps(sorted(sys.modules)))"
    printed = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
        env=child_environment(),
    ).stdout

    loaded = set(json.loads(printed))

    assert "paradex_adapter" in loaded
    assert not loaded & HEAVY_MODULES
