"""Accounts of Ethereum keys at the local exchange: onboarded by a signed message."""

import pytest

from tests.contract.exchange_caller import (
    ETHEREUM_ADDRESS,
    WALLET_ADDRESS,
    personal_sign,
    siwe_headers,
    siwe_text,
    wallet_public_key,
)
from tests.integration.local_exchange_client import Client, Json, trading

STATEMENT = "Paradex Onboarding"
KNOWN = f"/onboarding?account_signer_type=eip191&eth_address={WALLET_ADDRESS}"
#: The generator of the curve: the public key of the private key 1, which is not the wallet's.
OTHER_KEY = (
    "0x0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
)


async def post(
    client: Client, path: str, headers: dict[str, str], body: object = None
) -> tuple[int, Json]:
    """Call an endpoint of the second version, which lies beside the first."""
    url = client.exchange.base_url_http.removesuffix("/v1") + path
    async with client.http.post(url, headers=headers, json=body) as response:
        return response.status, await response.json() if await response.read() else {}


async def onboard(
    client: Client, account: str, text: str, signature: str | None = None, **body: str
) -> tuple[int, Json]:
    headers = siwe_headers(account, text, signature)
    return await post(
        client, "/v2/onboarding", headers, {"public_key": wallet_public_key(), **body}
    )


async def test_wallet_is_onboarded_once_and_signs_in() -> None:
    async with trading(onboarding_balance=500) as client:
        client.token = ""
        known = await client.get(KNOWN)
        account = known["address"]
        assert (known["account_signer_type"], known["exists"]) == ("eip191", False)
        sign_in = siwe_headers(account, siwe_text())
        assert (await post(client, "/v2/auth", sign_in))[1]["error"] == "NOT_ONBOARDED"
        for _ in range(2):
            assert await onboard(client, account, siwe_text(STATEMENT)) == (200, {})
        assert (await client.get(KNOWN))["exists"]
        status, body = await post(client, "/v2/auth", sign_in)
        assert status == 200
        client.token = body["jwt_token"]
        summary = await client.get("/account")
        assert (summary["account"], summary["account_value"]) == (account, "500")


@pytest.mark.parametrize(
    ("fields", "end", "error"),
    [
        ({"statement": "Paradex Auth"}, "", "INVALID_EVM_SIGNATURE"),
        ({"statement": "Paradex Subscription"}, "", "INVALID_EVM_SIGNATURE"),
        ({"domain": "app.paradex.trade"}, "", "INVALID_EVM_SIGNATURE"),
        ({"chain": "1"}, "", "INVALID_EVM_SIGNATURE"),
        ({"issued": "2020-01-01T00:00:00Z"}, "", "INVALID_EVM_SIGNATURE"),
        ({"address": ETHEREUM_ADDRESS}, "", "EVM_SIGNATURE_VERIFICATION_FAILED"),
        ({}, "\nExpiration Time: 2099-01-01T00:00:00Z", "INVALID_EVM_SIGNATURE"),
    ],
)
async def test_wrong_message_onboards_nobody(fields: dict[str, str], end: str, error: str) -> None:
    async with trading() as client:
        account = (await client.get(KNOWN))["address"]
        text = siwe_text(**{"statement": STATEMENT, **fields}) + end
        assert (await onboard(client, account, text))[1]["error"] == error
        assert not (await client.get(KNOWN))["exists"]


async def test_another_key_or_account_onboards_nobody() -> None:
    async with trading() as client:
        text, account = siwe_text(STATEMENT), (await client.get(KNOWN))["address"]
        for answer, error in (
            (await onboard(client, client.address, text), "INVALID_STARKNET_ADDRESS"),
            (await onboard(client, account, text, public_key=OTHER_KEY), "PUBLIC_KEY_INVALID"),
            (await onboard(client, account, text, public_key="0x04"), "PUBLIC_KEY_INVALID"),
            (await onboard(client, account, text, public_key=""), "VALIDATION_ERROR"),
            (
                await onboard(client, account, text, personal_sign(text + "!")),
                "EVM_SIGNATURE_VERIFICATION_FAILED",
            ),
        ):
            assert answer[1]["error"] == error
        assert not (await client.get(KNOWN))["exists"]
