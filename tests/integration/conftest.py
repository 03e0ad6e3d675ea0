"""What all live tests share."""

import pytest

from paradex_adapter import account_news


@pytest.fixture(autouse=True)
def soon_refreshed_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let balances be read again at once, so that a test need not wait to compare them."""
    monkeypatch.setattr(account_news, "ACCOUNT_REFRESH_SECS", 0.02)
