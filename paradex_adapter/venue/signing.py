"""Stark signatures of orders, authentication and onboarding.

Paradex signs the typed data of Starknet's first revision: a chain of Pedersen hashes over type,
fields and length, nested in a chain over a domain and the account. Everything that does not change
from order to order (type hashes, the domain, the account) is hashed once, in the constructor; nine
hashes of an order's eighteen remain.

Hashes and signatures are those of `fast_stark_crypto`. The nonce of a signature is that of RFC
6979: the same message signed twice gives the same signature, and no random number is drawn.

Specification: https://docs.paradex.trade, "API authentication" and the typed data of its SDK.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, final

from fast_stark_crypto import pedersen_hash

from paradex_adapter.venue.credentials import FIELD_PRIME, Credentials
from paradex_adapter.venue.errors import InvalidRequest
from paradex_adapter.venue.ethereum import EthereumKey

# starknet_keccak of each type's text; a test computes them again.
DOMAIN_TYPE_HASH: Final = 0x98D1932052FC5137543DE5ED85B7A88555A4CD1FF5D5BFEDB62ED9B9A1F0DB
ORDER_TYPE_HASH: Final = 0xA56D5225B97B257C15AE2CB1CC0EA605381A886CD75463DB45FD2EF9FBC255
MODIFY_TYPE_HASH: Final = 0x201789BB587C17B251FD38DAF43B14807010EA721C2929A8C2FC33BF15C2E2C
AUTH_TYPE_HASH: Final = 0x186CDEF6B179923C411C13C11B8A825F12BF34203BDDA0A984DA9D6F2313C2
ONBOARDING_TYPE_HASH: Final = 0xE84BBCB68E0F7C73A9058BA82B6DA9C1FFDC502EFCF034E78B0C003C22ECC9

SHORT_STRING_BYTES_MAX: Final = 31
SHORT_STRINGS_CACHED_MAX: Final = 8192
UNITS_BOUND: Final = 2**128
ORDER_ID_DIGITS_MAX: Final = 38

_SIDES: Final = {"BUY": 1, "SELL": 2}
# Element counts that close the hash chains (type hash and fields; the message itself has four).
_ORDER_ELEMENTS: Final = 7
_MODIFY_ELEMENTS: Final = 8
_MESSAGE_ELEMENTS: Final = 4


@lru_cache(maxsize=SHORT_STRINGS_CACHED_MAX)
def short_string_to_felt(text: str) -> int:
    """Return the field element of a Cairo short string: its ASCII bytes, first byte highest.

    Raises
    ------
    InvalidRequest
        If `text` is longer than `SHORT_STRING_BYTES_MAX` or not ASCII.
    """
    if len(text) > SHORT_STRING_BYTES_MAX:
        raise InvalidRequest(
            f"{text[:SHORT_STRING_BYTES_MAX]!r}...",
            f"cannot be signed: it is longer than {SHORT_STRING_BYTES_MAX} characters",
        )
    if not text.isascii():
        raise InvalidRequest(f"{text!r}", "cannot be signed: it is not ASCII")
    return int.from_bytes(text.encode("ascii"), "big")


def hash_elements(elements: Iterable[int]) -> int:
    """Return the Pedersen chain over `elements`, closed with their number."""
    digest, count = 0, 0
    for element in elements:
        digest = pedersen_hash(digest, element)
        count += 1
    return pedersen_hash(digest, count)


@final
class MessageHasher:
    """The message hashes of one account on one chain.

    Parameters
    ----------
    account : int
        The L2 account address.
    chain_id : int
        The chain id as a field element (`short_string_to_felt` of `starknet_chain_id` in the
        venue's system config; never a constant, the testnet's has changed before).
    """

    __slots__ = ("_account", "_auth", "_message", "_modify", "_onboarding", "_order")

    def __init__(self, account: int, chain_id: int) -> None:
        self._account: Final = account
        domain = hash_elements((DOMAIN_TYPE_HASH, short_string_to_felt("Paradex"), chain_id, 1))
        start = pedersen_hash(0, short_string_to_felt("StarkNet Message"))
        self._message: Final = pedersen_hash(pedersen_hash(start, domain), account)
        self._order: Final = pedersen_hash(0, ORDER_TYPE_HASH)
        self._modify: Final = pedersen_hash(0, MODIFY_TYPE_HASH)
        auth = pedersen_hash(0, AUTH_TYPE_HASH)
        # Always this path, whatever the URL's; the body is empty, hence 0.
        for element in (short_string_to_felt("POST"), short_string_to_felt("/v1/auth"), 0):
            auth = pedersen_hash(auth, element)
        self._auth: Final = auth
        self._onboarding: Final = hash_elements(
            (ONBOARDING_TYPE_HASH, short_string_to_felt("Onboarding"))
        )

    def hash_order(
        self,
        timestamp_ms: int,
        market: str,
        side: str,
        order_type: str,
        size_units: int,
        price_units: int,
    ) -> int:
        """Return the message hash of an order; otherwise as `OrderSigner.sign_order`."""
        digest = self._chain_order_fields(
            self._order, timestamp_ms, market, side, order_type, size_units, price_units
        )
        return self._close(pedersen_hash(digest, _ORDER_ELEMENTS))

    def hash_modify(
        self,
        timestamp_ms: int,
        market: str,
        side: str,
        order_type: str,
        size_units: int,
        price_units: int,
        venue_order_id: str,
    ) -> int:
        """Return the message hash of a change; otherwise as `OrderSigner.sign_modify`."""
        if (
            len(venue_order_id) > ORDER_ID_DIGITS_MAX
            or not venue_order_id.isascii()
            or not venue_order_id.isdecimal()
        ):
            raise InvalidRequest("venue_order_id", "cannot be signed: it is not a decimal number")
        digest = self._chain_order_fields(
            self._modify, timestamp_ms, market, side, order_type, size_units, price_units
        )
        digest = pedersen_hash(digest, int(venue_order_id))
        return self._close(pedersen_hash(digest, _MODIFY_ELEMENTS))

    def hash_auth(self, timestamp_secs: int, expiration_secs: int) -> int:
        """Return the message hash of a token request; both times in Unix seconds."""
        digest = pedersen_hash(self._auth, _need_units("timestamp", timestamp_secs))
        digest = pedersen_hash(digest, _need_units("expiration", expiration_secs))
        return self._close(pedersen_hash(digest, 6))

    def hash_onboarding(self) -> int:
        """Return the message hash of the onboarding request."""
        return self._close(self._onboarding)

    def hash_subkey(self, public_key: int, timestamp_secs: int, expiry_secs: int) -> int:
        """Return the hash that registers a subkey; see `OrderSigner.sign_subkey`.

        Unlike every other message it is no typed data: neither domain nor chain is in it.

        Raises
        ------
        InvalidRequest
            If the public key or a time cannot be signed.
        """
        if not 0 < public_key < FIELD_PRIME:
            raise InvalidRequest("public_key", "cannot be signed: it is not a Stark public key")
        timestamp = _need_units("timestamp", timestamp_secs)
        expiry = _need_units("expiry", expiry_secs)
        return hash_elements((self._account, public_key, timestamp, expiry))

    def _chain_order_fields(
        self,
        digest: int,
        timestamp_ms: int,
        market: str,
        side: str,
        order_type: str,
        size_units: int,
        price_units: int,
    ) -> int:
        side_felt = _SIDES.get(side)
        if side_felt is None:
            raise InvalidRequest("side", "cannot be signed: it is neither BUY nor SELL")
        if not market:
            raise InvalidRequest("market", "cannot be signed: it is empty")
        size = _need_units("size", size_units)
        price = _need_units("price", price_units)
        digest = pedersen_hash(digest, _need_units("timestamp", timestamp_ms))
        digest = pedersen_hash(digest, short_string_to_felt(market))
        digest = pedersen_hash(digest, side_felt)
        digest = pedersen_hash(digest, short_string_to_felt(order_type))
        digest = pedersen_hash(digest, size)
        # A market order is signed with price 0 whatever price it names.
        return pedersen_hash(digest, 0 if order_type == "MARKET" else price)

    def _close(self, struct_hash: int) -> int:
        return pedersen_hash(pedersen_hash(self._message, struct_hash), _MESSAGE_ELEMENTS)


@final
class OrderSigner:
    """Signs for one account on one chain.

    Parameters
    ----------
    credentials : Credentials
        The account and its key.
    chain_id : str
        `starknet_chain_id` of the venue's system config, such as ``PRIVATE_SN_PARACLEAR_MAINNET``.

    Attributes
    ----------
    hasher : MessageHasher
        The message hashes that are signed.
    """

    __slots__ = ("_credentials", "hasher")

    def __init__(self, credentials: Credentials, chain_id: str) -> None:
        if not chain_id:
            raise InvalidRequest("chain id", "cannot be signed: it is empty")
        self._credentials: Final = credentials
        self.hasher: Final = MessageHasher(credentials.account, short_string_to_felt(chain_id))

    @property
    def account_address(self) -> str:
        """The L2 address of the account signed for, as ``0x...``."""
        return self._credentials.account_address

    @property
    def sign_in_key(self) -> EthereumKey | None:
        """The Ethereum key that signs in where no Stark key signs."""
        return self._credentials.ethereum_key if self._credentials.denial_reason else None

    def find_access_token(self) -> str | None:
        """Return the token the user supplied, if any."""
        return self._credentials.find_access_token()

    @property
    def public_key_hex(self) -> str:
        """The public key the venue verifies with, as ``0x...``."""
        return self._credentials.public_key_hex

    def sign_order(
        self,
        timestamp_ms: int,
        market: str,
        side: str,
        order_type: str,
        size_units: int,
        price_units: int,
    ) -> str:
        """Return the signature of an order as the wire wants it: ``["r","s"]`` in decimal.

        Parameters
        ----------
        timestamp_ms : int
            `signature_timestamp` of the request, Unix milliseconds.
        market : str
            Market symbol, at most 31 ASCII characters.
        side : str
            "BUY" or "SELL".
        order_type : str
            The venue's word, such as "LIMIT" or "STOP_MARKET".
        size_units, price_units : int
            Size and price at scale 8, equal to the decimals of the request. The price of a
            "MARKET" order is signed as 0 whatever is given.

        Raises
        ------
        InvalidRequest
            If a field cannot be signed.
        """
        return self._sign(
            self.hasher.hash_order(timestamp_ms, market, side, order_type, size_units, price_units)
        )

    def sign_modify(
        self,
        timestamp_ms: int,
        market: str,
        side: str,
        order_type: str,
        size_units: int,
        price_units: int,
        venue_order_id: str,
    ) -> str:
        """Return the signature of an order change, as `sign_order` does.

        The fields are those of the order after the change; `venue_order_id` is the venue's id,
        decimal digits.

        Raises
        ------
        InvalidRequest
            If a field cannot be signed.
        """
        return self._sign(
            self.hasher.hash_modify(
                timestamp_ms, market, side, order_type, size_units, price_units, venue_order_id
            )
        )

    def sign_subkey(
        self, public_key: int, timestamp_secs: int, expiry_secs: int
    ) -> tuple[str, str]:
        """Return the signature (r, s), each ``0x...``, by which the main key registers a subkey.

        Parameters
        ----------
        public_key : int
            The public key of the subkey.
        timestamp_secs, expiry_secs : int
            When it was signed, and until when the venue may take it, in Unix seconds.

        Raises
        ------
        InvalidRequest
            If a field cannot be signed.
        """
        r, s = self._credentials.sign(
            self.hasher.hash_subkey(public_key, timestamp_secs, expiry_secs)
        )
        return hex(r), hex(s)

    def sign_auth(self, timestamp_secs: int, expiration_secs: int) -> str:
        """Return the signature of a token request; both times in Unix seconds."""
        return self._sign(self.hasher.hash_auth(timestamp_secs, expiration_secs))

    def sign_onboarding(self) -> str:
        """Return the signature of the onboarding request."""
        return self._sign(self.hasher.hash_onboarding())

    def _sign(self, message_hash: int) -> str:
        r, s = self._credentials.sign(message_hash)
        return f'["{r}","{s}"]'


def _need_units(field: str, value: int) -> int:
    # The hash reduces silently what does not fit the field: it would sign another number.
    if not 0 <= value < UNITS_BOUND:
        raise InvalidRequest(field, "cannot be signed: it is negative or too large")
    return value
