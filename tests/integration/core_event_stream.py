"""What the core makes of the timelines, printed as JSON: ``core_event_stream.py [--source]``.

With ``--source`` the core's modules are taken from their sources, whatever compiled ones lie beside
them. Run as a program of its own, so that one set of modules is all there is.
"""

import json
import random
import sys
from collections.abc import Sequence
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType
from typing import Any

CORE = "paradex_adapter_core"
DAMAGES_PER_FRAME = 4
SEED = 20_261_122


class FromSource:
    """Finds the core's modules as sources."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.startswith(f"{CORE}."):
            for folder in path or ():
                found = FileFinder(folder, (SourceFileLoader, [".py"])).find_spec(name)
                if found is not None:
                    return found
        return None


def plain(value: Any) -> Any:
    """Return a value of the core as one that JSON can hold, with the names of its classes."""
    if value is None or type(value) in (bool, int, str):
        return value
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(plain, value)]
    fields = [name for name in dir(value) if not name.startswith("_")]
    own = {name: plain(getattr(value, name)) for name in fields if is_field(value, name)}
    return {"class": type(value).__name__, **own}


def is_field(value: Any, name: str) -> bool:
    return not callable(getattr(value, name))


class Stream:
    """Parses frames and applies what they say of an account, in order."""

    def __init__(self) -> None:
        from paradex_adapter_core.messages.account import AccountSummary, Position
        from paradex_adapter_core.messages.orders import Fill, OrderUpdate
        from paradex_adapter_core.order_book import BookSequence
        from paradex_adapter_core.parsers.frame import FrameParser
        from paradex_adapter_core.state_store import StateStore

        self.account_messages = (AccountSummary, Fill, OrderUpdate, Position)
        self.parser = FrameParser()
        self.store = StateStore("0x1")
        self.make_sequence = BookSequence
        self.books: dict[str, Any] = {}
        self.told: list[Any] = []

    def track(self, client_order_id: str, row: dict[str, Any]) -> None:
        """Take up an order as ours, from what was sent."""
        from paradex_adapter_core.decimals import parse_exact
        from paradex_adapter_core.vocabulary import INSTRUCTIONS, ORDER_TYPES, SIDES

        if self.store.find_order(client_order_id) is not None:
            return
        self.store.track_order(
            client_order_id,
            row["market"],
            SIDES[row["side"]],
            ORDER_TYPES[row["type"]],
            INSTRUCTIONS[row["instruction"]],
            parse_exact(row["size"], 8),
            parse_exact(row["price"], 8) or None,
            None,
            0,
            1,
        )

    def take(self, payload: bytes, is_binary: bool, ts: int) -> None:
        parse = self.parser.parse_binary if is_binary else self.parser.parse_text
        message = parse(payload)
        self.told.append(["message", plain(message)])
        if isinstance(message, self.account_messages):
            self.told += [["event", plain(event)] for event in self.store.apply(message, ts)]
        elif isinstance(message, tuple) and len(message) == 7:
            book = self.books.setdefault(message[1], self.make_sequence())
            self.told.append(["book", book.apply(message[2], message[3])])


def damage(payload: bytes, chance: random.Random) -> bytes:
    """Return a frame that was cut, or of which some bytes differ."""
    if chance.random() < 0.3:
        return payload[: chance.randrange(len(payload) + 1)]
    spoiled = bytearray(payload)
    for _ in range(chance.randint(1, 3)):
        if spoiled:
            spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
    return bytes(spoiled)


def run(timelines: dict[str, list[Any]]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    chance = random.Random(SEED)
    for name, frames in timelines.items():
        stream, spoiled = Stream(), Stream()
        for frame in frames:
            if frame.direction == "out":
                request = {} if frame.is_binary else json.loads(frame.payload)
                if request.get("method") == "order.create":
                    stream.track(request["params"]["client_id"], request["params"])
                continue
            stream.take(frame.payload, frame.is_binary, frame.ts)
            for _ in range(DAMAGES_PER_FRAME):
                spoiled.take(damage(frame.payload, chance), frame.is_binary, frame.ts)
        told[name] = {
            "told": stream.told,
            "of damaged frames": spoiled.told,
            "counters": [dict(stream.parser.counters), dict(spoiled.parser.counters)],
            "orders": [plain(order) for order in stream.store.open_orders()],
        }
    return told


def main() -> None:
    if "--source" in sys.argv:
        sys.meta_path.insert(0, FromSource)  # type: ignore[arg-type]
    from tests.fixture_files import load_timeline, timeline_names

    told = run({name: load_timeline(name) for name in timeline_names()})
    files = {
        name: str(module.__file__).rpartition(".")[2]
        for name, module in sys.modules.items()
        # Packages stay source, and the compiled modules share one more, which has none.
        if name.startswith(f"{CORE}.") and not hasattr(module, "__path__") and "._" not in name
    }
    json.dump({"files": files, "told": told}, sys.stdout)


if __name__ == "__main__":
    main()
