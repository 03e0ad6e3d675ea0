from decimal import Decimal
from typing import Any

import pytest

from paradex_adapter.translate.order_params import (
    NO_PARAMS,
    OrderParams,
    TwapTerms,
    UnusableParams,
    parse_order_params,
)
from paradex_adapter_core.vocabulary import (
    STP_EXPIRE_BOTH,
    STP_EXPIRE_MAKER,
    STP_EXPIRE_TAKER,
    UNITS_PER_ONE,
)

ADDRESS = "0x" + "aB" * 32


@pytest.mark.parametrize("params", [None, {}])
def test_without_params_nothing_is_asked_for(params: dict[str, object] | None) -> None:
    assert parse_order_params(params) is NO_PARAMS


@pytest.mark.parametrize(
    ("params", "parsed"),
    [
        ({"rpi": True}, OrderParams(rpi=True)),
        ({"rpi": False}, OrderParams()),
        ({"mmp": True}, OrderParams(mmp=True)),
        ({"stp": "EXPIRE_MAKER"}, OrderParams(stp=STP_EXPIRE_MAKER)),
        ({"stp": "EXPIRE_TAKER"}, OrderParams(stp=STP_EXPIRE_TAKER)),
        ({"stp": "EXPIRE_BOTH"}, OrderParams(stp=STP_EXPIRE_BOTH)),
        ({"vwap_price": "90000.5"}, OrderParams(vwap_price=90_000 * UNITS_PER_ONE + 50_000_000)),
        ({"vwap_price": Decimal("1E+2")}, OrderParams(vwap_price=100 * UNITS_PER_ONE)),
        ({"vwap_price": Decimal("0.00000001")}, OrderParams(vwap_price=1)),
        ({"recv_window_ms": 10}, OrderParams(recv_window_ms=10)),
        ({"recv_window_ms": 300_000}, OrderParams(recv_window_ms=300_000)),
        ({"dime_discount": True}, OrderParams(dime_discount=True)),
        ({"on_behalf_of_account": ADDRESS}, OrderParams(on_behalf_of_account=ADDRESS)),
        ({"twap": {"duration_secs": 60}}, OrderParams(twap=TwapTerms(60, 30))),
        (
            {"twap": {"duration_secs": 86_400, "interval_secs": 60}},
            OrderParams(twap=TwapTerms(86_400, 60)),
        ),
        (
            {"mmp": True, "stp": "EXPIRE_BOTH", "recv_window_ms": 5_000},
            OrderParams(mmp=True, stp=STP_EXPIRE_BOTH, recv_window_ms=5_000),
        ),
    ],
)
def test_params_are_read(params: dict[str, Any], parsed: OrderParams) -> None:
    assert parse_order_params(params) == parsed


def test_a_key_nobody_knows_is_told_with_those_that_are_known() -> None:
    with pytest.raises(UnusableParams) as caught:
        parse_order_params({"rpi": True, "post_only": True})
    assert str(caught.value) == (
        "params['post_only'] is not known to Paradex: use rpi, mmp, stp, vwap_price, "
        "recv_window_ms, dime_discount, on_behalf_of_account, twap"
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rpi", 1),
        ("rpi", "true"),
        ("mmp", None),
        ("stp", "expire_maker"),
        ("stp", "NONE"),
        ("stp", ""),
        ("stp", []),
        ("vwap_price", 90_000.5),
        ("vwap_price", 90_000),
        ("vwap_price", True),
        ("vwap_price", "0"),
        ("vwap_price", "-1"),
        ("vwap_price", "1e5"),
        ("vwap_price", "0.000000001"),
        ("vwap_price", Decimal("NaN")),
        ("vwap_price", Decimal("Infinity")),
        ("vwap_price", Decimal("1E+30")),
        ("vwap_price", Decimal("1E+999999")),
        ("vwap_price", Decimal("1E-999999")),
        ("vwap_price", "9" * 1_000),
        ("recv_window_ms", 9),
        ("recv_window_ms", 300_001),
        ("recv_window_ms", True),
        ("recv_window_ms", "5000"),
        ("recv_window_ms", 5_000.0),
        ("dime_discount", "yes"),
        ("on_behalf_of_account", ""),
        ("on_behalf_of_account", "0x"),
        ("on_behalf_of_account", "12"),
        ("on_behalf_of_account", "0xg"),
        ("on_behalf_of_account", "0x" + "1" * 65),
        ("on_behalf_of_account", 18),
        ("twap", 60),
        ("twap", {}),
        ("twap", {"duration_secs": 60, "frequency": 30}),
        ("twap", {"duration_secs": 29}),
        ("twap", {"duration_secs": 45}),
        ("twap", {"duration_secs": 86_430}),
        ("twap", {"duration_secs": 60.0}),
        ("twap", {"duration_secs": 60, "interval_secs": 0}),
        ("twap", {"duration_secs": 60, "interval_secs": 90}),
        ("twap", {"duration_secs": 60, "interval_secs": "30"}),
    ],
)
def test_a_value_it_cannot_have_is_refused_by_its_key(key: str, value: object) -> None:
    with pytest.raises(UnusableParams, match=rf"params\['{key}'\]") as caught:
        parse_order_params({key: value})
    assert len(str(caught.value)) < 250
