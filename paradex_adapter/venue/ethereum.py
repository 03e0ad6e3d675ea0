"""What an Ethereum key does at Paradex: it signs in (ERC-4361) and authorizes subkeys.

The Ethereum libraries that starknet-py brings are imported only when something is signed.
"""

import base64
import secrets
from datetime import UTC, datetime
from typing import Final, NoReturn, final

from paradex_adapter.venue.errors import ConfigurationError

ETHEREUM_CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SIGN_IN_SECS: Final = 300
_DOMAINS: Final = {1: "app.paradex.trade"}
_TESTNET_DOMAIN: Final = "app.testnet.paradex.trade"
SIGN_IN_STATEMENT: Final = "Paradex Auth"
ONBOARDING_STATEMENT: Final = "Paradex Onboarding"


@final
class EthereumKey:
    """An Ethereum private key, which it never gives away.

    Parameters
    ----------
    private_key : int
        The key.

    Attributes
    ----------
    address : str
        Its Ethereum address with the checksum in its letters.

    Raises
    ------
    ConfigurationError
        If it is no Ethereum key.
    """

    __slots__ = ("__key", "address")

    def __init__(self, private_key: int) -> None:
        if not 1 <= private_key < ETHEREUM_CURVE_ORDER:
            raise ConfigurationError("ethereum_private_key", "it is not an Ethereum private key")
        from eth_keys.datatypes import PrivateKey

        self.__key: Final = PrivateKey(private_key.to_bytes(32, "big"))
        self.address: Final[str] = self.__key.public_key.to_checksum_address()

    def sign_text(self, text: str) -> str:
        """Return the signature a wallet gives a text (EIP-191), ``0x`` and 130 digits."""
        from eth_hash.auto import keccak

        raw = text.encode()
        digest = keccak(b"\x19Ethereum Signed Message:\n%d" % len(raw) + raw)
        signature = self.__key.sign_msg_hash(digest)
        return f"0x{signature.r:064x}{signature.s:064x}{27 + signature.v:02x}"

    def sign_in_headers(self, l1_chain_id: int, now_secs: int) -> dict[str, str]:
        """Return the headers of POST /v2/auth but for the account's; time in Unix seconds."""
        return self._signed_headers(self.siwe_message(SIGN_IN_STATEMENT, l1_chain_id, now_secs))

    def onboarding_headers(self, l1_chain_id: int, now_secs: int) -> dict[str, str]:
        """Return the headers of POST /v2/onboarding but for the account's; time in Unix seconds."""
        text = self.siwe_message(ONBOARDING_STATEMENT, l1_chain_id, now_secs)
        # This one message names no end.
        return self._signed_headers(text.rpartition("\nExpiration Time: ")[0])

    @property
    def public_key_hex(self) -> str:
        """The public key, uncompressed: ``0x04`` and 128 digits."""
        return f"0x04{self.__key.public_key.to_bytes().hex()}"

    def _signed_headers(self, text: str) -> dict[str, str]:
        return {
            "PARADEX-EVM-SIGNATURE": self.sign_text(text),
            "PARADEX-SIWE-MESSAGE": base64.b64encode(text.encode()).decode("ascii"),
        }

    def siwe_message(self, statement: str, l1_chain_id: int, now_secs: int) -> str:
        """Return the text to sign, good for `SIGN_IN_SECS` from `now_secs` (Unix seconds)."""
        domain = _DOMAINS.get(l1_chain_id, _TESTNET_DOMAIN)
        return (
            f"{domain} wants you to sign in with your Ethereum account:\n{self.address}\n\n"
            f"{statement}\n\n"
            f"URI: https://{domain}\nVersion: 1\nChain ID: {l1_chain_id}\n"
            f"Nonce: {secrets.token_hex(16)}\n"
            f"Issued At: {_moment(now_secs)}\nExpiration Time: {_moment(now_secs + SIGN_IN_SECS)}"
        )

    def __repr__(self) -> str:
        return f"EthereumKey(address={self.address}, private_key=<redacted>)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("keys are neither pickled nor copied")


def _moment(secs: int) -> str:
    return datetime.fromtimestamp(secs, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
