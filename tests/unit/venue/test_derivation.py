"""Derived keys and addresses, against public answers that need no files."""

import subprocess
import sys

import pytest

from paradex_adapter.venue import derivation
from paradex_adapter.venue.credentials import CURVE_ORDER, Credentials
from paradex_adapter.venue.derivation import derive_account_address, derive_key_from_ethereum
from paradex_adapter.venue.errors import ConfigurationError
from paradex_adapter.venue.ethereum import ETHEREUM_CURVE_ORDER

SEPOLIA = 11155111
# The keys of the venue's own SDK tests.
L1_KEY = 0xF8E4D1D772CDD44E5E77615AD11CC071C94E4C06DC21150D903F28E6AA6ABDFF
L2_KEY = 0x543B6CF6C91817A87174AAEA4FB370AC1C694E864D7740D728F8344D53E815
L2_ADDRESS = 0x129C135ED63DF9353885E292BE4426B8ED6122B13C6C0E1BB787288A1F5ADFA
PROXY_HASH = 0x3530CC4759D78042F1B543BF797F5F3D647CDE0388C33734CF91B7F7B9314A9
ACCOUNT_HASH = 0x41CB0280EBADAA75F996D8D92C6F265F6D040BB3BA442E5F86A554F1765244E


def test_the_trading_key_derives_from_the_ethereum_key() -> None:
    assert derive_key_from_ethereum(L1_KEY, SEPOLIA) == L2_KEY
    assert derive_key_from_ethereum(L1_KEY, 1) != L2_KEY


def test_the_address_derives_from_the_public_key() -> None:
    public_key = Credentials(L2_ADDRESS, L2_KEY).public_key
    assert derive_account_address(public_key, PROXY_HASH, ACCOUNT_HASH) == L2_ADDRESS


@pytest.mark.parametrize("key", [0, -1, ETHEREUM_CURVE_ORDER])
def test_what_is_no_ethereum_key_is_refused(key: int) -> None:
    with pytest.raises(ConfigurationError, match="ethereum_private_key"):
        derive_key_from_ethereum(key, SEPOLIA)


def test_derived_keys_are_in_range_and_leading_zeros_of_the_seed_are_dropped() -> None:
    keys = {derivation._grind(seed) for seed in (1, 0xFF, 0x100, 2**255, 2**256 - 1)}
    assert len(keys) == 5
    assert all(1 <= key < CURVE_ORDER for key in keys)
    assert derivation._grind(0x01) != derivation._grind(0x0100)


def test_heavy_libraries_load_only_when_something_is_derived() -> None:
    code = (
        "import sys\n"
        "import paradex_adapter.venue.auth, paradex_adapter.venue.derivation\n"
        "print([m for m in ('starknet_py', 'eth_keys', 'nautilus_trader') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
