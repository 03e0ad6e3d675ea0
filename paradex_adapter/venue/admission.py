"""Getting in: whether credentials lead to the account they name, and onboarding on request."""

from typing import Final

from paradex_adapter.venue.auth import TokenProvider
from paradex_adapter.venue.credentials import Credentials
from paradex_adapter.venue.errors import AuthenticationError, ConfigurationError
from paradex_adapter.venue.http import HttpClient
from paradex_adapter.venue.replies import parse_onboarding
from paradex_adapter.venue.signing import OrderSigner

NOT_ONBOARDED: Final = "NOT_ONBOARDED"


async def admit(
    http: HttpClient,
    tokens: TokenProvider,
    credentials: Credentials,
    signer: OrderSigner,
    *,
    onboard: bool = False,
    l1_chain_id: int = 0,
    now_secs: int = 0,
) -> None:
    """Check the account of an Ethereum key, and take the first token.

    Parameters
    ----------
    http : HttpClient
        The venue.
    tokens : TokenProvider
        The account's tokens.
    credentials : Credentials
        The account and what signs for it.
    signer : OrderSigner
        Signs the onboarding.
    onboard : bool
        Whether an account that does not exist yet is onboarded.
    l1_chain_id : int
        The Ethereum chain the venue belongs to; for the onboarding of an Ethereum account.
    now_secs : int
        The venue's time, Unix seconds; likewise.

    Raises
    ------
    ConfigurationError
        If the Ethereum key leads to another account, or cannot be onboarded.
    AuthenticationError
        If the venue does not accept the account or its signature.
    VenueUnavailable, RateLimited, MalformedReply
        If it does not answer.
    """
    if credentials.ethereum_key is not None:
        await check_address(http, credentials)
    try:
        await tokens.token()
    except AuthenticationError as error:
        if error.code != NOT_ONBOARDED or not onboard:
            raise
    else:
        return
    if signer.sign_in_key is not None:
        await http.post_onboarding_v2(
            credentials.account_address,
            signer.sign_in_key.onboarding_headers(l1_chain_id, now_secs),
            signer.sign_in_key.public_key_hex,
        )
        await tokens.token()
        return
    if credentials.ethereum_key is None:
        raise ConfigurationError("onboard", "it needs the ethereum_private_key of the account")
    await http.onboarding(
        credentials.ethereum_key.address,
        credentials.account_address,
        credentials.public_key_hex,
        signer.sign_onboarding(),
    )
    await tokens.token()


async def check_address(http: HttpClient, credentials: Credentials) -> None:
    """Compare the account address with the one the venue derives from the key.

    Raises
    ------
    ConfigurationError
        If they differ.
    """
    assert credentials.ethereum_key is not None
    if credentials.denial_reason:
        body = await http.get_onboarding(ethereum_address=credentials.ethereum_key.address)
    else:
        body = await http.get_onboarding(public_key_hex=credentials.public_key_hex)
    address, _ = parse_onboarding(body)
    if address != credentials.account_address:
        raise ConfigurationError(
            "account_address",
            f"the Ethereum key leads to account {address}; set that one, or the key of "
            f"{credentials.account_address}",
        )
