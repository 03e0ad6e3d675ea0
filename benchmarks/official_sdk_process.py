"""The venue's own SDK, timing itself: started by `official_sdk.py` in an interpreter that has it.

Reads one JSON line, what to work on, and answers with a result; then one line a round, how many
times, each answered with the seconds it took. Runs on Python 3.10, where the SDK has wheels.
"""

import json
import sys
from base64 import b64decode
from dataclasses import fields
from decimal import Decimal
from time import perf_counter

from paradex_py.account.subkey_account import SubkeyAccount
from paradex_py.api.models import SystemConfig
from paradex_py.api.sbe import decode_frame
from paradex_py.common.order import Order, OrderSide, OrderType


def signing(task):
    config = SystemConfig(**{field.name: "http://127.0.0.1" for field in fields(SystemConfig)})
    config.starknet_chain_id = task["chain_id"]
    account = SubkeyAccount(config, task["private_key"], task["account_address"])

    order = Order(
        market=task["market"],
        order_type=OrderType(task["type"]),
        order_side=OrderSide(task["side"]),
        size=Decimal(task["size"]),
        limit_price=Decimal(task["price"]),
        signature_timestamp=task["timestamp_ms"],
    )
    return lambda: account.sign_order(order)


def decoding(task):
    frames = [b64decode(frame) for frame in task["frames"]]

    def work():
        # As its websocket client does for each frame.
        for frame in frames:
            _, event = decode_frame(frame)
            found = event.model_dump() if event is not None else None
        return found

    return work


def main():
    task = json.loads(sys.stdin.readline())
    work = {"sign": signing, "decode": decoding}[task["work"]](task)
    print(json.dumps(work(), default=str), flush=True)
    for line in sys.stdin:
        loops = int(line)
        start = perf_counter()
        for _ in range(loops):
            work()
        print(perf_counter() - start, flush=True)


main()
