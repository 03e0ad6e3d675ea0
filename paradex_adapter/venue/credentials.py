"""The trading key of one account: where it is read, checked and kept.

`Credentials` is the only object that holds the private key. It signs; it never gives the key away,
prints redacted and refuses to be pickled or copied.
"""

import os
from collections.abc import Mapping
from typing import Final, NoReturn, final

import fast_stark_crypto

from paradex_adapter.venue.errors import ConfigurationError

# The Stark curve: order of the group and prime of the field.
CURVE_ORDER: Final = 0x800000000000010FFFFFFFFFFFFFFFFB781126DCAE7B2321E66A241ADC64D2F
FIELD_PRIME: Final = 2**251 + 17 * 2**192 + 1
# Contract addresses of Starknet end below 2**251 - 256.
ADDRESS_BOUND: Final = 2**251 - 256

HEX_DIGITS_MAX: Final = 64
ETHEREUM_ADDRESS_DIGITS: Final = 40

_VARIABLE_PREFIXES: Final = {"mainnet": "PARADEX", "testnet": "PARADEX_TESTNET"}


@final
class Credentials:
    """An account address and the key that signs for it.

    Parameters
    ----------
    account_address : int
        The L2 address of the account; of the main account when the key is a subkey.
    private_key : int
        A Stark private key, main key or subkey, ``1 <= private_key < CURVE_ORDER``.

    Attributes
    ----------
    account : int
        The account address.
    account_address : str
        The account address as ``0x...`` without padding.
    public_key : int
        The public key of `private_key`.
    public_key_hex : str
        The public key as ``0x...`` without padding.

    Raises
    ------
    ConfigurationError
        If the address or the key is out of range.
    """

    __slots__ = ("__private_key", "account", "account_address", "public_key", "public_key_hex")

    def __init__(self, account_address: int, private_key: int) -> None:
        # Checked before any call: the library panics, rather than raises, on a key without a
        # point, and hashes an address above the prime as another one.
        if not 1 <= private_key < CURVE_ORDER:
            raise ConfigurationError(
                "private_key",
                "it is not a Stark private key (1 to the curve order); take the Paradex (L2) "
                "private key or a subkey, not the Ethereum one",
            )
        if not 1 <= account_address < ADDRESS_BOUND:
            raise ConfigurationError(
                "account_address",
                "it is not a Starknet address; take the Paradex (L2) account address",
            )
        self.__private_key: Final = private_key
        self.account: Final = account_address
        self.account_address: Final = hex(account_address)
        self.public_key: Final[int] = fast_stark_crypto.get_public_key(private_key)
        self.public_key_hex: Final = hex(self.public_key)

    def sign(self, message_hash: int) -> tuple[int, int]:
        """Return the signature (r, s) of a message hash, with the nonce of RFC 6979."""
        r, s = fast_stark_crypto.sign(self.__private_key, message_hash)
        return r, s

    def __repr__(self) -> str:
        return f"Credentials(account_address={self.account_address}, private_key=<redacted>)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("credentials are neither pickled nor copied")


def resolve_credentials(
    environment_name: str,
    account_address: str | None = None,
    private_key: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Credentials:
    """Return the credentials given as arguments or, where absent, by environment variables.

    Parameters
    ----------
    environment_name : str
        "mainnet" or "testnet", in either case.
    account_address, private_key : str, optional
        ``0x`` and hexadecimal digits. When absent: `PARADEX_ACCOUNT_ADDRESS` and
        `PARADEX_PRIVATE_KEY` on mainnet, `PARADEX_TESTNET_ACCOUNT_ADDRESS` and
        `PARADEX_TESTNET_PRIVATE_KEY` on testnet.
    environ : Mapping[str, str], optional
        The environment variables; by default those of the process.

    Raises
    ------
    ConfigurationError
        If a value is missing or malformed. The text never holds the value of the key.
    """
    prefix = _VARIABLE_PREFIXES.get(environment_name.lower())
    if prefix is None:
        raise ConfigurationError("environment", "it is unknown; use MAINNET or TESTNET")
    variables = os.environ if environ is None else environ
    address = _need_hex("account_address", account_address, f"{prefix}_ACCOUNT_ADDRESS", variables)
    key = _need_hex("private_key", private_key, f"{prefix}_PRIVATE_KEY", variables)
    if len(address) == ETHEREUM_ADDRESS_DIGITS:
        raise ConfigurationError(
            "account_address",
            "it is an Ethereum address; take the Paradex (L2) account address of that account",
        )
    if int(address, 16) == int(key, 16):
        raise ConfigurationError(
            "private_key", "it is the same as the account address; take the private key"
        )
    return Credentials(int(address, 16), int(key, 16))


def _need_hex(setting: str, given: str | None, variable: str, environ: Mapping[str, str]) -> str:
    text = (given or environ.get(variable) or "").strip()
    if not text:
        raise ConfigurationError(
            setting, f"it is missing; set it in the config or in the variable {variable}"
        )
    digits = text[2:]
    is_hex = text[:2] in ("0x", "0X") and all(c in "0123456789abcdefABCDEF" for c in digits)
    if not is_hex or not 1 <= len(digits) <= HEX_DIGITS_MAX:
        raise ConfigurationError(
            setting,
            f"it is malformed; write it as 0x and up to {HEX_DIGITS_MAX} hexadecimal digits, in "
            f"the config or in the variable {variable}",
        )
    return digits
