"""The venue about itself: its configuration and its state."""

from paradex_adapter_core.messages.system import SystemConfig
from paradex_adapter_core.parsers.fields import find_int, find_text, load_row, need_text


def parse_system_config(body: bytes) -> SystemConfig:
    """Parse GET /system/config.

    Raises
    ------
    MalformedMessage
        If the body cannot be read or names no chain.

    """
    row = load_row(body)
    return SystemConfig(
        environment=find_text(row, "environment"),
        starknet_chain_id=need_text(row, "starknet_chain_id"),
        l1_chain_id=find_text(row, "l1_chain_id"),
        account_class_hash=find_text(row, "paraclear_account_hash"),
        account_proxy_class_hash=find_text(row, "paraclear_account_proxy_hash"),
        fullnode_rpc_url=find_text(row, "starknet_fullnode_rpc_url"),
        paraclear_address=find_text(row, "paraclear_address"),
        paraclear_decimals=find_int(row, "paraclear_decimals") or 0,
    )


def parse_system_state(body: bytes) -> str:
    """Parse GET /system/state.

    Gives ``ok``, ``maintenance``, ``cancel_only``, ``post_only`` or a word not known yet.

    Raises
    ------
    MalformedMessage
        If the body cannot be read.

    """
    return need_text(load_row(body), "status")
