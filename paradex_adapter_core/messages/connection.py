"""What a connection says beside its data: answers, signs of life, pushes not read here."""

from typing import Final, final

from mypy_extensions import mypyc_attr

from paradex_adapter_core.vocabulary import (
    KIND_HEARTBEAT,
    KIND_OTHER,
    KIND_RPC_ERROR,
    KIND_RPC_RESULT,
    KIND_SUBSCRIBED,
)


@final
@mypyc_attr(acyclic=True)
class RpcResult:
    """A successful answer to one of our requests; ``result`` is its JSON text."""

    def __init__(self, request_id: int, result: bytes) -> None:
        self.kind: Final = KIND_RPC_RESULT
        self.request_id: Final = request_id
        self.result: Final = result


@final
@mypyc_attr(acyclic=True)
class RpcError:
    """A refusal of one of our requests; ``request_id`` is -1 when the venue names none."""

    def __init__(self, request_id: int, code: int, message: str, data: str) -> None:
        self.kind: Final = KIND_RPC_ERROR
        self.request_id: Final = request_id
        self.code: Final = code
        self.message: Final = message
        self.data: Final = data


@final
@mypyc_attr(acyclic=True)
class Heartbeat:
    """The sign of life an idle binary connection sends about every 20 s."""

    def __init__(self, seq_no: int, ts_event: int) -> None:
        self.kind: Final = KIND_HEARTBEAT
        self.seq_no: Final = seq_no
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class Subscribed:
    """Binary subscription acknowledgment, reserved by the schema; acknowledgments come as JSON."""

    def __init__(self, channel: str, is_accepted: bool, seq_no: int, ts_event: int) -> None:
        self.kind: Final = KIND_SUBSCRIBED
        self.channel: Final = channel
        self.is_accepted: Final = is_accepted
        self.seq_no: Final = seq_no
        self.ts_event: Final = ts_event


@final
@mypyc_attr(acyclic=True)
class OtherPush:
    """A push on a channel without a message class of its own; ``data`` is its JSON text."""

    def __init__(self, channel: str, data: bytes) -> None:
        self.kind: Final = KIND_OTHER
        self.channel: Final = channel
        self.data: Final = data
