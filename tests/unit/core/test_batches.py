"""What became of each order of a batch, in the forms of REST and of RPC."""

import json

import pytest

from paradex_adapter_core.errors import MalformedMessage, MissingField, WrongType
from paradex_adapter_core.messages.orders import BatchRow
from paradex_adapter_core.parsers.batches import parse_batch, parse_cancel_results
from paradex_adapter_core.parsers.fields import TEXT_CHARS_MAX
from paradex_adapter_core.vocabulary import CANCEL_QUEUED, FEED_REST

UNKNOWN_OUTCOME = ("", "", "", False)


def order(client_id: str) -> dict[str, object]:
    return {
        "id": f"V-{client_id}",
        "client_id": client_id,
        "market": "BTC-USD-PERP",
        "side": "BUY",
        "type": "LIMIT",
        "size": "1",
        "remaining_size": "1",
        "price": "100",
        "status": "NEW",
    }


def in_short(row: BatchRow) -> tuple[str, str, str, bool]:
    client_order_id = "" if row.order is None else row.order.client_order_id
    return client_order_id, row.code, row.message, row.is_refused


class TestByRest:
    def test_orders_and_refusals_without_positions(self) -> None:
        refused = {"error": "VALIDATION_ERROR", "message": "size"}
        body = json.dumps({"orders": [order("b"), order("a")], "errors": [refused]}).encode()
        rows = parse_batch(body)
        assert [in_short(row) for row in rows] == [
            ("b", "", "", False),
            ("a", "", "", False),
            ("", "VALIDATION_ERROR", "size", True),
        ]
        assert {row.position for row in rows} == {-1}
        assert rows[0].order is not None
        assert rows[0].order.feed == FEED_REST

    @pytest.mark.parametrize(
        ("body", "count"),
        [
            (b'{"orders": [], "errors": null}', 0),
            (b'{"orders": null}', 0),
            (b'{"errors": [{"message": "no"}]}', 1),
        ],
    )
    def test_either_list_may_be_missing(self, body: bytes, count: int) -> None:
        assert len(parse_batch(body)) == count

    def test_what_cannot_be_read_is_of_unknown_outcome(self) -> None:
        counters: dict[str, int] = {}
        body = json.dumps({"orders": [{"id": 5}, 7], "errors": [{}, "no"]}).encode()
        assert [in_short(row) for row in parse_batch(body, counters)] == [UNKNOWN_OUTCOME] * 4
        assert counters == {
            "skipped row: wrong type in field id": 1,
            "skipped row: wrong type in field order": 1,
            "skipped row: missing field error": 1,
            "skipped row: wrong type in field errors": 1,
        }


class TestByRpc:
    def test_rows_stand_in_the_order_of_the_request(self) -> None:
        taken = {"order": order("b"), "created_at": 1, "received_at": 2}
        refused = {"error": "size is no multiple of the step"}
        rows = parse_batch(json.dumps({"results": [refused, taken]}).encode())
        assert [(row.position, *in_short(row)) for row in rows] == [
            (0, "", "", "size is no multiple of the step", True),
            (1, "b", "", "", False),
        ]

    def test_a_row_that_cannot_be_read_keeps_its_place(self) -> None:
        counters: dict[str, int] = {}
        results = [None, {"order": {"id": "V-1"}}, {"error": ""}, {"order": order("d")}]
        rows = parse_batch(json.dumps({"results": results}).encode(), counters)
        assert [(row.position, *in_short(row)) for row in rows] == [
            (0, *UNKNOWN_OUTCOME),
            (1, *UNKNOWN_OUTCOME),
            (2, *UNKNOWN_OUTCOME),
            (3, "d", "", "", False),
        ]
        assert sum(counters.values()) == 3

    def test_an_error_that_is_no_text_is_still_a_refusal(self) -> None:
        (row,) = parse_batch(b'{"results": [{"error": {"code": 100}}]}')
        assert (row.message, row.is_refused) == ('{"code":100}', True)

    def test_the_text_of_an_error_is_bounded(self) -> None:
        body = json.dumps({"results": [{"error": "x" * 9999}]}).encode()
        (row,) = parse_batch(body)
        assert len(row.message) == TEXT_CHARS_MAX


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{}", MissingField),
        (b'{"results": {}}', WrongType),
        (b'{"orders": 5}', WrongType),
        (b"[]", WrongType),
        (b"<html>", MalformedMessage),
        (json.dumps({"results": [0] * 100_001}).encode(), MalformedMessage),
    ],
)
def test_an_answer_of_neither_form_is_refused(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_batch(body)


def test_cancel_tells_what_became_of_each() -> None:
    counters: dict[str, int] = {}
    rows = [
        {"id": "1", "market": "m", "status": CANCEL_QUEUED},
        {"client_id": "c"},
        7,
        {"client_id": "d", "status": "NOT_FOUND"},
        {"id": "5", "status": "SOMETHING_NEW"},
    ]
    found = parse_cancel_results(json.dumps({"results": rows}).encode(), counters)
    told = [(r.position, r.venue_order_id, r.client_order_id, r.market, r.status) for r in found]
    assert told == [
        (0, "1", "", "m", "QUEUED_FOR_CANCELLATION"),
        (3, "", "d", "", "NOT_FOUND"),
        (4, "5", "", "", "SOMETHING_NEW"),
    ]
    assert counters == {
        "skipped row: missing field status": 1,
        "skipped row: wrong type in field results": 1,
    }
    assert parse_cancel_results(b'{"results": null}') == []
