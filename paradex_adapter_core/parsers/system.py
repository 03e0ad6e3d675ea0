"""The venue about itself: configuration, time, state, tokens and errors."""

from paradex_adapter_core.messages import SystemConfig


def parse_system_config(body: bytes) -> SystemConfig:
    raise NotImplementedError


def parse_system_time(body: bytes) -> int:
    """Return the venue's clock in nanoseconds."""
    raise NotImplementedError


def parse_system_state(body: bytes) -> str:
    """Return ``ok``, ``maintenance``, ``cancel_only``, ``post_only`` or a word not known yet."""
    raise NotImplementedError


def parse_jwt_reply(body: bytes) -> str:
    raise NotImplementedError


def parse_api_error(body: bytes) -> tuple[str, str]:
    """Return the code and the message of an error body; never raises."""
    raise NotImplementedError
