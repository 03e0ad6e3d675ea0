"""What the console commands say of an error: settings by their options, and what to do."""

from typing import Final

from paradex_adapter.venue.errors import ConfigurationError, ParadexError, VenueUnavailable
from paradex_adapter_core.errors import CoreError

# What the commands name the settings.
_OPTIONS: Final = {
    "account_address": "--account-address",
    "base_url_http": "--base-url-http",
    "base_url_ws": "--base-url-ws",
    "ethereum_private_key": "--ethereum-key-file",
    "onboard": "--onboard",
    "private_key": "--private-key-file",
    "private_key_file": "--private-key-file",
}


def explain(error: ParadexError | CoreError) -> str:
    """Return one sentence: what is wrong, and what to do where the user can do something."""
    if isinstance(error, VenueUnavailable):
        return f"{error}; check the network, and the address if you named one"
    if type(error) is not ConfigurationError:
        return str(error)
    setting = " and ".join(_OPTIONS.get(name, name) for name in error.setting.split(" and "))
    return f"{setting}: {error.remedy.replace('in the config', f'with {setting}')}"
