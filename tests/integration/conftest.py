"""What all live tests share."""

import pytest

from paradex_adapter import account_news

# Each has NautilusTrader calculate the balances of accounts named PARADEX: that holds for every
# node of the process from then on, and cannot be taken back.
CALCULATING_MODULES = ("test_backtest", "test_brackets_beside_backtest", "test_paper_trading")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what has balances calculated after all the nodes that take them from the venue."""
    items.sort(key=lambda item: item.path.stem in CALCULATING_MODULES)


@pytest.fixture(autouse=True)
def soon_refreshed_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let balances be read again at once, so that a test need not wait to compare them."""
    monkeypatch.setattr(account_news, "ACCOUNT_REFRESH_SECS", 0.02)
