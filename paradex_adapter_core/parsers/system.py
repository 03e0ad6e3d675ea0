"""The venue about itself: configuration, time, state, tokens and errors."""

from paradex_adapter_core.errors import MalformedMessage
from paradex_adapter_core.messages.system import SystemConfig
from paradex_adapter_core.parsers.fields import (
    as_excerpt,
    find_int,
    find_text,
    load_row,
    need_text,
    need_time,
)


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


def parse_system_time(body: bytes) -> int:
    """Parse GET /system/time; give the venue's clock in nanoseconds.

    Raises
    ------
    MalformedMessage
        If the body cannot be read.

    """
    return need_time(load_row(body), "server_time")


def parse_system_state(body: bytes) -> str:
    """Parse GET /system/state.

    Gives ``ok``, ``maintenance``, ``cancel_only``, ``post_only`` or a word not known yet.

    Raises
    ------
    MalformedMessage
        If the body cannot be read.

    """
    return need_text(load_row(body), "status")


def parse_jwt_reply(body: bytes) -> str:
    """Parse the answer of POST /auth; give the token.

    Raises
    ------
    MalformedMessage
        If the body holds no token; the error does not quote it.

    """
    try:
        return need_text(load_row(body), "jwt_token")
    except MalformedMessage as error:
        field = error.field
    # A token cut or misplaced is still a secret. Raised out here, since compiled code keeps the
    # first error as the context of one raised in its handler, even "from None".
    raise MalformedMessage(field)


def parse_api_error(body: bytes) -> tuple[str, str]:
    """Parse an error body; give its code and message, never raising.

    A gateway answers in HTML, a rate limiter without a code: the code is empty then, and the
    message the beginning of what came.
    """
    try:
        row = load_row(body)
        return find_text(row, "error"), find_text(row, "message")
    except MalformedMessage:
        return "", as_excerpt(body)
