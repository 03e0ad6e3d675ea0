"""Keccak-256 with its original padding (0x01), which hashlib's sha3_256 does not use (0x06).

It hashes a handful of short type names, so plain Python is fast enough.
"""

from typing import Final

_LANES: Final = 25
_RATE_BYTES: Final = 136
_LANE_MASK: Final = 2**64 - 1
_ROUNDS: Final = 24


def _round_constants() -> list[int]:
    constants, register = [], 1
    for _ in range(_ROUNDS):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << ((1 << power) - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return constants


def _lane_walk() -> list[tuple[int, int]]:
    """Return (lane, rotation) in the order in which rho and pi move the lanes."""
    walk, x, y = [], 1, 0
    for step in range(1, _LANES):
        x, y = y, (2 * x + 3 * y) % 5
        walk.append((x + 5 * y, step * (step + 1) // 2 % 64))
    return walk


_ROUND_CONSTANTS: Final = _round_constants()
_LANE_WALK: Final = _lane_walk()


def _rotate(lane: int, count: int) -> int:
    return (lane << count | lane >> (64 - count)) & _LANE_MASK


def _permute(state: list[int]) -> None:
    for constant in _ROUND_CONSTANTS:
        parity = [
            state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20]
            for x in range(5)
        ]
        for lane in range(_LANES):
            x = lane % 5
            state[lane] ^= parity[x - 1] ^ _rotate(parity[(x + 1) % 5], 1)
        # Rotation k belongs to the lane that stands one step back in the walk.
        carried = state[1]
        for lane, rotation in _LANE_WALK:
            carried, state[lane] = state[lane], _rotate(carried, rotation)
        for row in range(0, _LANES, 5):
            lanes = state[row : row + 5]
            for x in range(5):
                state[row + x] = lanes[x] ^ (~lanes[(x + 1) % 5] & lanes[(x + 2) % 5])
        state[0] ^= constant


def keccak_256(data: bytes) -> bytes:
    """Return the 32-byte Keccak-256 digest (the pre-standard padding)."""
    padded = bytearray(data)
    padded += bytes(_RATE_BYTES - len(data) % _RATE_BYTES)
    padded[len(data)] ^= 0x01
    padded[-1] ^= 0x80
    state = [0] * _LANES
    for block in range(0, len(padded), _RATE_BYTES):
        for lane in range(_RATE_BYTES // 8):
            start = block + 8 * lane
            state[lane] ^= int.from_bytes(padded[start : start + 8], "little")
        _permute(state)
    return b"".join(lane.to_bytes(8, "little") for lane in state[:4])
