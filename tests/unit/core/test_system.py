"""The venue about itself."""

import pytest

from paradex_adapter_core.errors import MissingField
from paradex_adapter_core.parsers import system


def test_state_is_the_word_of_the_venue() -> None:
    assert system.parse_system_state(b'{"status": "cancel_only"}') == "cancel_only"
    with pytest.raises(MissingField):
        system.parse_system_state(b'{"status": ""}')


def test_configuration_must_name_the_chain() -> None:
    config = system.parse_system_config(b'{"starknet_chain_id": "X", "environment": "testnet"}')
    assert (config.starknet_chain_id, config.environment) == ("X", "testnet")
    assert (config.paraclear_decimals, config.l1_chain_id) == (0, "")
    with pytest.raises(MissingField, match="starknet_chain_id"):
        system.parse_system_config(b"{}")
