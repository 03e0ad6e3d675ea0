"""Keys at the command line: derive them, make subkeys, check them; no order is ever placed.

Secrets come from a file, a variable or standard input, never from the command line, which other
users of the machine can read. None is printed, but for a derived private key on request.
"""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from paradex_adapter.config import ParadexDataClientConfig, config_urls
from paradex_adapter.constants import ParadexEnvironment
from paradex_adapter.recording import bare_url
from paradex_adapter.venue.admission import admit
from paradex_adapter.venue.auth import TokenProvider, measure_clock_offset_ms, wall_clock_ms
from paradex_adapter.venue.credentials import (
    CURVE_ORDER,
    STARKNET_SIGNER,
    Credentials,
    parse_hex,
    resolve_credentials,
)
from paradex_adapter.venue.derivation import derive_account_address, derive_key_from_ethereum
from paradex_adapter.venue.errors import ConfigurationError
from paradex_adapter.venue.ethereum import EthereumKey
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.key_sources import KEY_FILE_BYTES_MAX, read_key_file
from paradex_adapter.venue.replies import parse_account, parse_onboarding
from paradex_adapter.venue.signing import OrderSigner
from paradex_adapter_core.messages.system import SystemConfig
from paradex_adapter_core.parsers.system import parse_system_config

REGISTRATION_SECS: Final = 600
SUBKEY_FILE_MODE: Final = 0o600
SUBKEY_STATEMENT: Final = "Paradex Subkey Registration: {}"

type Result = dict[str, Any]


class KeyOptions(NamedTuple):
    """Where the venue is, and whose keys; keys themselves are read from files and variables."""

    environment: str
    base_url_http: str | None = None
    account_address: str | None = None
    private_key_file: str | None = None
    ethereum_private_key_file: str | None = None
    account_signer_type: str = STARKNET_SIGNER
    onboard: bool = False


class _Venue(NamedTuple):
    http: HttpClient
    config: SystemConfig


def derive(options: KeyOptions, *, show_private_key: bool = False) -> Result:
    """Return the account an Ethereum key leads to, from the class hashes the venue names.

    Raises
    ------
    ParadexError
        If there is no key, the venue does not answer, or it names another address.
    """
    number = _read_ethereum_key(options)

    async def run(venue: _Venue) -> Result:
        l1_chain_id = _need_l1_chain(venue.config)
        key = derive_key_from_ethereum(number, l1_chain_id)
        credentials = Credentials(1, key)
        address = derive_account_address(
            credentials.public_key,
            int(venue.config.account_proxy_class_hash, 16),
            int(venue.config.account_class_hash, 16),
        )
        body = await venue.http.get_onboarding(public_key_hex=credentials.public_key_hex)
        told, exists = parse_onboarding(body)
        if told != hex(address):
            raise ConfigurationError(
                "account_address",
                f"derived {address:#x}, but the venue names {told} for this key; use neither "
                "before that is cleared up",
            )
        result: Result = {
            "ethereum_address": EthereumKey(number).address,
            "account_address": told,
            "public_key": credentials.public_key_hex,
            "is_onboarded": exists,
        }
        return result | ({"private_key": hex(key)} if show_private_key else {})

    return asyncio.run(_at_venue(options, run))


def new_subkey(options: KeyOptions, path: Path, name: str) -> Result:
    """Make a key pair, write its private key to a file, and return the request to register it.

    The request is the body of POST /account/keys/subkeys, signed by the account's main key. It is
    not sent: whoever sends it, within ten minutes, needs a token of the main key.

    Raises
    ------
    ParadexError
        If there is no main key, the venue does not answer, or the file exists.
    """
    credentials = _resolve(options)

    async def run(venue: _Venue) -> Result:
        offset_ms = await measure_clock_offset_ms(venue.http)
        now_secs = (wall_clock_ms() + offset_ms) // 1000
        private_key = 1 + secrets.randbelow(CURVE_ORDER - 1)
        public_key = Credentials(credentials.account, private_key).public_key
        request: Result = {"name": name, "public_key": hex(public_key)}
        if credentials.denial_reason:
            request |= _sign_as_wallet(credentials, public_key, venue.config, now_secs)
        else:
            expiry_secs = now_secs + REGISTRATION_SECS
            signer = OrderSigner(credentials, venue.config.starknet_chain_id)
            request |= {
                "signature": list(signer.sign_subkey(public_key, now_secs, expiry_secs)),
                "signature_timestamp": now_secs,
                "signature_expiry": expiry_secs,
            }
        # Last, so that no file is left of what failed.
        _write_key(path, private_key)
        if sys.stderr.isatty():
            sys.stderr.write(
                f"the key is in {path}; to register it, POST this to /account/keys/subkeys within "
                "ten minutes, with a token of the main key\n"
            )
        return request

    return asyncio.run(_at_venue(options, run))


def check(options: KeyOptions) -> Result:
    """Return what the venue says of a credential; nothing but reading is done.

    Raises
    ------
    ParadexError
        If the credential is not accepted, or the venue does not answer.
    """
    credentials = _resolve(options)

    async def run(venue: _Venue) -> Result:
        http, config = venue
        offset_ms = await measure_clock_offset_ms(http)
        signer = OrderSigner(credentials, config.starknet_chain_id)
        l1_chain_id = _need_l1_chain(config) if credentials.ethereum_key is not None else 0
        tokens = TokenProvider(http, signer, clock_offset_ms=offset_ms, l1_chain_id=l1_chain_id)
        http.token_provider = tokens
        try:
            await admit(
                http,
                tokens,
                credentials,
                signer,
                onboard=options.onboard,
                l1_chain_id=l1_chain_id,
                now_secs=(wall_clock_ms() + offset_ms) // 1000,
            )
            kind, public_key = parse_account(await http.get_account_info(), credentials.account)
        finally:
            await tokens.close()
        return {
            "account_address": credentials.account_address,
            "account_kind": kind,
            "credential": _kind_of(credentials, public_key),
            "can_trade": not credentials.denial_reason,
            "chain_id": config.starknet_chain_id,
            "clock_offset_ms": offset_ms,
        }

    return asyncio.run(_at_venue(options, run))


def _kind_of(credentials: Credentials, main_public_key: int) -> str:
    if credentials.has_access_token:
        return "access token"
    if credentials.denial_reason:
        return "Ethereum account"
    is_main = main_public_key == credentials.public_key
    if credentials.ethereum_key is not None and is_main:
        return "main key, derived from an Ethereum key"
    return "main key" if is_main else "subkey"


def _sign_as_wallet(
    credentials: Credentials, public_key: int, config: SystemConfig, now_secs: int
) -> Result:
    if credentials.ethereum_key is None:
        raise ConfigurationError("private_key", "a token registers no subkey; give the main key")
    statement = SUBKEY_STATEMENT.format(hex(public_key))
    message = credentials.ethereum_key.siwe_message(statement, _need_l1_chain(config), now_secs)
    return {
        "siwe_message": message,
        "evm_signature": credentials.ethereum_key.sign_text(message),
    }


async def _at_venue(options: KeyOptions, run: Callable[[_Venue], Awaitable[Result]]) -> Result:
    where = ParadexDataClientConfig(
        environment=ParadexEnvironment(options.environment), base_url_http=options.base_url_http
    )
    address, _ = config_urls(where)
    if sys.stderr.isatty():
        # A venue that does not answer is waited for, with retries.
        sys.stderr.write(f"asking {bare_url(address)} ...\n")
    http = HttpClient(address)
    try:
        config = parse_system_config(await http.get_system_config())
        return await run(_Venue(http, config))
    finally:
        await http.close()


def _resolve(options: KeyOptions) -> Credentials:
    wallet_file = options.ethereum_private_key_file
    text = None if wallet_file is None else _read_secret("--ethereum-key-file", wallet_file)
    key_file = options.private_key_file
    return resolve_credentials(
        options.environment,
        options.account_address,
        _read_stdin("--private-key-file") if key_file == "-" else None,
        private_key_file=None if key_file == "-" else key_file,
        ethereum_private_key=text,
        account_signer_type=options.account_signer_type,
    )


def _read_ethereum_key(options: KeyOptions, environ: Mapping[str, str] = os.environ) -> int:
    is_mainnet = options.environment == ParadexEnvironment.MAINNET.value
    variable = f"PARADEX_{'' if is_mainnet else 'TESTNET_'}ETHEREUM_PRIVATE_KEY"
    if options.ethereum_private_key_file is not None:
        text = _read_secret("--ethereum-key-file", options.ethereum_private_key_file)
    else:
        text = environ.get(variable) or ""
    return parse_hex("ethereum_private_key", text, variable)


def _read_secret(setting: str, path: str) -> str:
    return _read_stdin(setting) if path == "-" else read_key_file(setting, path)


def _read_stdin(setting: str) -> str:
    text = sys.stdin.read(KEY_FILE_BYTES_MAX).strip()
    if not text:
        # Without it the variables would be asked, and another key used than the one meant.
        raise ConfigurationError(setting, "nothing came by standard input")
    return text


def _need_l1_chain(config: SystemConfig) -> int:
    if not config.l1_chain_id.isdecimal():
        raise ConfigurationError("base_url_http", "the venue names no l1_chain_id")
    return int(config.l1_chain_id)


def _write_key(path: Path, private_key: int) -> None:
    try:
        # Made anew and by nobody else: a link or an older key is never written over.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SUBKEY_FILE_MODE)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{private_key:#x}\n")
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or "it is no path").lower()
        remedy = f"the file cannot be written ({why}); name one that is not there yet"
        raise ConfigurationError("--out", remedy) from None


def tell(result: Result) -> None:
    """Print a result as one JSON object."""
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
