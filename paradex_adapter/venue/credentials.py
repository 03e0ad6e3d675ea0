"""The trading key of one account: where it is read, checked and kept.

`Credentials` is the only object that holds the private key. It signs; it never gives the key away,
prints redacted and refuses to be pickled or copied. What cannot sign (a read-only token, an
Ethereum key that only signs in) is `Credentials` too, with a reason why orders are denied.
"""

import os
from collections.abc import Mapping
from typing import Final, NoReturn, final

import fast_stark_crypto

from paradex_adapter.venue.errors import ConfigurationError, InvalidRequest
from paradex_adapter.venue.ethereum import EthereumKey
from paradex_adapter.venue.key_sources import Signer, import_signer, read_key_file

# The Stark curve: order of the group and prime of the field.
CURVE_ORDER: Final = 0x800000000000010FFFFFFFFFFFFFFFFB781126DCAE7B2321E66A241ADC64D2F
FIELD_PRIME: Final = 2**251 + 17 * 2**192 + 1
# Contract addresses of Starknet end below 2**251 - 256.
ADDRESS_BOUND: Final = 2**251 - 256

HEX_DIGITS_MAX: Final = 64
ETHEREUM_ADDRESS_DIGITS: Final = 40

ACCESS_TOKEN_CHARS_MAX: Final = 8192
STARKNET_SIGNER: Final = "starknet"
ETHEREUM_SIGNER: Final = "eip191"
# What a key derives from, beside the Ethereum key: the chain it is used on.
L1_CHAIN_IDS: Final = {"mainnet": 1, "testnet": 11_155_111}

READ_ONLY_REASON: Final = "the access token only reads: orders need private_key"
SIGN_IN_ONLY_REASON: Final = (
    "an Ethereum account signs orders with a subkey: register one and set it as private_key"
)

_VARIABLE_PREFIXES: Final = {"mainnet": "PARADEX", "testnet": "PARADEX_TESTNET"}


@final
class Credentials:
    """An account address and what signs for it.

    Parameters
    ----------
    account_address : int
        The L2 address of the account; of the main account when the key is a subkey.
    private_key : int, optional
        A Stark private key, main key or subkey, ``1 <= private_key < CURVE_ORDER``.
    signer : Signer, optional
        Signs instead of a private key; needs `public_key`.
    public_key : int, optional
        The Stark public key `signer` signs with.
    access_token : str, optional
        A long-lived token of the account. Without a key it reads, and orders are denied.
    ethereum_key : EthereumKey, optional
        The key of the account's owner: `private_key` derives from it or, without one, it signs in.

    Attributes
    ----------
    account : int
        The account address.
    account_address : str
        The account address as ``0x...`` without padding.
    public_key : int
        The public key that signatures are verified with; 0 when nothing signs.
    public_key_hex : str
        The public key as ``0x...`` without padding.
    ethereum_key : EthereumKey, optional
        As given.
    denial_reason : str
        Why orders cannot be signed; "" when they can.

    Raises
    ------
    ConfigurationError
        If the address or the key is out of range.
    """

    __slots__ = (
        "__access_token",
        "__signer",
        "account",
        "account_address",
        "denial_reason",
        "ethereum_key",
        "public_key",
        "public_key_hex",
    )

    def __init__(
        self,
        account_address: int,
        private_key: int | None = None,
        *,
        signer: Signer | None = None,
        public_key: int = 0,
        access_token: str | None = None,
        ethereum_key: EthereumKey | None = None,
    ) -> None:
        if private_key is not None:
            # Checked before any call: the library panics, rather than raises, on a key without a
            # point, and hashes an address above the prime as another one.
            if not 1 <= private_key < CURVE_ORDER:
                raise ConfigurationError(
                    "private_key",
                    "it is not a Stark private key (1 to the curve order); take the Paradex (L2) "
                    "private key or a subkey, not the Ethereum one",
                )
            public_key = fast_stark_crypto.get_public_key(private_key)
            signer = _StarkKey(private_key)
        elif signer is not None and not 1 <= public_key < FIELD_PRIME:
            raise ConfigurationError("public_key", "it is not the Stark public key of the signer")
        if not 1 <= account_address < ADDRESS_BOUND:
            raise ConfigurationError(
                "account_address",
                "it is not a Starknet address; take the Paradex (L2) account address",
            )
        self.__signer: Final = signer
        self.__access_token: Final = access_token
        self.account: Final = account_address
        self.account_address: Final = hex(account_address)
        self.ethereum_key: Final = ethereum_key
        self.public_key: Final[int] = public_key
        self.public_key_hex: Final = hex(public_key)
        reason = SIGN_IN_ONLY_REASON if access_token is None else READ_ONLY_REASON
        self.denial_reason: Final = "" if signer is not None else reason

    @property
    def has_access_token(self) -> bool:
        """Whether requests bear a token that the user supplied."""
        return self.__access_token is not None

    def find_access_token(self) -> str | None:
        """Return the token the user supplied: for the header of a request and nothing else."""
        return self.__access_token

    def sign(self, message_hash: int) -> tuple[int, int]:
        """Return the signature (r, s) of a message hash; that of a key has the RFC 6979 nonce.

        Raises
        ------
        InvalidRequest
            If nothing signs, or the user's signer does not.
        """
        if self.__signer is None:
            raise InvalidRequest("signature", f"cannot be made: {self.denial_reason}")
        return self.__signer(message_hash)

    def __repr__(self) -> str:
        return f"Credentials(account_address={self.account_address}, private_key=<redacted>)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("credentials are neither pickled nor copied")


@final
class _StarkKey:
    __slots__ = ("__private_key",)

    def __init__(self, private_key: int) -> None:
        self.__private_key: Final = private_key

    def __call__(self, message_hash: int) -> tuple[int, int]:
        r, s = fast_stark_crypto.sign(self.__private_key, message_hash)
        return r, s

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("keys are neither pickled nor copied")


# The sources of which one is used, with the end of the variable that stands in for each.
_SOURCES: Final = {
    "private_key": "PRIVATE_KEY",
    "private_key_file": "PRIVATE_KEY_FILE",
    "signer": "",
    "ethereum_private_key": "ETHEREUM_PRIVATE_KEY",
    "access_token": "ACCESS_TOKEN",
}


def resolve_credentials(
    environment_name: str,
    account_address: str | None = None,
    private_key: str | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    private_key_file: str | None = None,
    signer: str | None = None,
    public_key: str | None = None,
    ethereum_private_key: str | None = None,
    account_signer_type: str = STARKNET_SIGNER,
    access_token: str | None = None,
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
    private_key_file : str, optional
        A file with the private key, which its owner alone may read; `..._PRIVATE_KEY_FILE`.
    signer, public_key : str, optional
        The import path of a callable that signs, ``package.module:function``, and its public key.
    ethereum_private_key : str, optional
        The key the L2 key derives from or, with "eip191", the key that signs in;
        `..._ETHEREUM_PRIVATE_KEY`.
    account_signer_type : str
        "starknet", or "eip191" for an account whose main key is an Ethereum key.
    access_token : str, optional
        A read-only token of the account; `..._ACCESS_TOKEN`.

    Raises
    ------
    ConfigurationError
        If a value is missing, malformed or given twice over. The text never holds the value of a
        secret.
    """
    name = environment_name.lower()
    prefix = _VARIABLE_PREFIXES.get(name)
    if prefix is None:
        raise ConfigurationError("environment", "it is unknown; use MAINNET or TESTNET")
    variables = os.environ if environ is None else environ
    account = _need_account(account_address, f"{prefix}_ACCOUNT_ADDRESS", variables)
    options = {
        "private_key": private_key,
        "private_key_file": private_key_file,
        "signer": signer,
        "ethereum_private_key": ethereum_private_key,
        "access_token": access_token,
    }
    source, text = _choose(options, prefix, variables)
    if source == "signer":
        key = parse_hex("public_key", public_key or "")
        return Credentials(account, signer=import_signer(text), public_key=key)
    if source == "access_token":
        return Credentials(account, access_token=_need_token(text))
    if source == "private_key_file":
        text = read_key_file(source, text)
    number = parse_hex(source, text, f"{prefix}_{_SOURCES[source]}")
    if source == "ethereum_private_key":
        return _ethereum_credentials(account, number, account_signer_type, L1_CHAIN_IDS[name])
    return _stark_credentials(account, number, source)


def _need_account(given: str | None, variable: str, variables: Mapping[str, str]) -> int:
    address = _need_hex("account_address", given, variable, variables)
    if len(address) == ETHEREUM_ADDRESS_DIGITS:
        raise ConfigurationError(
            "account_address",
            "it is an Ethereum address; take the Paradex (L2) account address of that account",
        )
    return int(address, 16)


def _choose(
    options: Mapping[str, str | None], prefix: str, variables: Mapping[str, str]
) -> tuple[str, str]:
    """Return the one source that is given, an option or else a variable, and its text."""
    given = {name: text.strip() for name, text in options.items() if text and text.strip()}
    settings = list(given)
    if not given:
        found = {n: variables.get(f"{prefix}_{end}", "").strip() for n, end in _SOURCES.items()}
        given = {name: text for name, text in found.items() if text}
        settings = [f"{prefix}_{_SOURCES[name]}" for name in given]
    if len(given) > 1:
        raise ConfigurationError(" and ".join(settings), "one key is enough; leave out the others")
    return next(iter(given.items()), None) or (
        "private_key",
        _need_hex("private_key", None, f"{prefix}_PRIVATE_KEY", {}),
    )


def _need_token(text: str) -> str:
    if len(text) > ACCESS_TOKEN_CHARS_MAX or not text.isascii() or not text.isprintable():
        raise ConfigurationError("access_token", "it is not a token; copy it whole")
    if " " in text:
        raise ConfigurationError("access_token", "it is not a token; leave out the word Bearer")
    return text


def _stark_credentials(account: int, private_key: int, source: str) -> Credentials:
    if account == private_key:
        raise ConfigurationError(
            source, "it is the same as the account address; take the private key"
        )
    return Credentials(account, private_key)


def _ethereum_credentials(
    account: int, private_key: int, signer_type: str, l1_chain_id: int
) -> Credentials:
    from paradex_adapter.venue.derivation import derive_key_from_ethereum

    key = EthereumKey(private_key)
    if signer_type == ETHEREUM_SIGNER:
        return Credentials(account, ethereum_key=key)
    derived = derive_key_from_ethereum(private_key, l1_chain_id)
    return Credentials(account, derived, ethereum_key=key)


def parse_hex(setting: str, text: str, variable: str = "") -> int:
    """Return the number that a setting spells, ``0x`` and hexadecimal digits.

    Raises
    ------
    ConfigurationError
        If it is missing or malformed; `variable` is named as the place to set it.
    """
    return int(_need_hex(setting, text, variable, {}), 16)


def _need_hex(setting: str, given: str | None, variable: str, environ: Mapping[str, str]) -> str:
    text = (given or environ.get(variable) or "").strip()
    if not text:
        remedy = f"it is missing; set it in the config or in the variable {variable}"
        raise ConfigurationError(setting, remedy if variable else "it is missing; set it as well")
    digits = text[2:]
    is_hex = text[:2] in ("0x", "0X") and all(c in "0123456789abcdefABCDEF" for c in digits)
    if not is_hex or not 1 <= len(digits) <= HEX_DIGITS_MAX:
        remedy = f"it is malformed; write it as 0x and up to {HEX_DIGITS_MAX} hexadecimal digits"
        where = f", in the config or in the variable {variable}" if variable else ""
        raise ConfigurationError(setting, f"{remedy}{where}")
    return digits
