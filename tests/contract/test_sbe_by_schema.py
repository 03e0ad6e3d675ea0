"""The schema-driven decoder against recorded frames, and the exchange's encoder against it."""

import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from paradex_adapter.local_exchange import sbe
from tests.contract.sbe_by_schema import FrameError, Schema, venue_schema
from tests.shared_specs import requires_shared_specs, spec_path

pytestmark = requires_shared_specs

ACCOUNT = "0x049d36570d4e46f48e99674bd3fcc84644ddd6b96f7c741b1562b82f9e004dc7"
# A distinct value for each field, so that two swapped fields are seen.
SAMPLE_TEXT = "t{}"


def schema() -> Schema:
    return venue_schema(spec_path("sbe-paradex_1_0.xml"))


def recorded_frames() -> list[bytes]:
    path = spec_path("samples", "ws", "sbe_btc_bbo_head_2026-10-08.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [base64.b64decode(line["b64"]) for line in lines if line["opcode"] == "binary"]


def hand_built_frames() -> dict[str, tuple[bytes, dict[str, Any]]]:
    path = spec_path("samples", "ws", "sbe_frames_third_party_handbuilt_a.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return {row["name"]: (base64.b64decode(row["b64"]), row["expected"]) for row in rows}


def test_recorded_frames_decode_and_are_encoded_back_byte_for_byte() -> None:
    frames = recorded_frames()
    assert len(frames) == 6
    decoded = [schema().decode(raw) for raw in frames]
    assert {(f.message, f.version, f.values["market"]) for f in decoded} == {
        ("BboEvent", 1, "BTC-USD-PERP")
    }
    assert decoded[0].values == {
        "ts": 1791421923325000,
        "seq": 7687292570,
        "bidPrice": Decimal("83422.7"),
        "bidSize": Decimal("0.00015"),
        "askPrice": Decimal("83452.9"),
        "askSize": Decimal("0.00031"),
        "market": "BTC-USD-PERP",
    }
    assert [sbe.encode("bbo", f.values, 1) for f in decoded] == frames


def test_sample_files_with_binary_frames_are_all_read() -> None:
    files = {p.name for p in Path(spec_path("samples", "ws")).glob("*sbe*")}
    assert files == {
        "sbe_btc_bbo_head_2026-10-08.jsonl",
        "sbe_frames_third_party_handbuilt_a.jsonl",
    }


def test_hand_built_order() -> None:
    raw, expected = hand_built_frames()["order-closed-filled-v2"]
    values = schema().decode(raw).values
    assert values["ts"] == expected["ts_us"]
    assert values["seq"] == expected["seq"]
    assert values["status"] == expected["status"]
    assert values["timeInForce"] == expected["instruction"]
    assert values["price"] == Decimal(expected["price"])
    assert values["triggerPrice"] is None
    assert values["sizeOpen"] == 0
    assert values["orderId"] == expected["order_id"]
    assert values["requestStatus"] == "UNSPECIFIED"
    assert sbe.encode("order", values, 2) == raw


def test_hand_built_position() -> None:
    raw, expected = hand_built_frames()["position-short-v1"]
    values = schema().decode(raw).values
    assert (values["side"], values["size"]) == (expected["side"], Decimal(expected["size"]))
    for name, key in (
        ("unrealizedPnl", "unrealized_pnl"),
        ("realizedPnl", "realized_pnl"),
        ("markPrice", "mark_price"),
        ("cost", "cost"),
        ("unrealizedFundingPnl", "unrealized_funding_pnl"),
    ):
        assert values[name] == Decimal(expected[key])
    assert sbe.encode("position", values, 1) == raw


def test_hand_built_empty_side() -> None:
    raw, expected = hand_built_frames()["bbo-ask-empty"]
    values = schema().decode(raw).values
    assert values["bidPrice"] == Decimal(expected["bid"])
    assert (values["askPrice"], values["askSize"]) == (None, None)
    assert sbe.encode("bbo", values, 1) == raw


def test_group_entries_longer_than_the_schema_are_read_by_their_stated_length() -> None:
    raw, expected = hand_built_frames()["book-longer-entries"]
    values = schema().decode(raw).values
    assert values["pkgType"] == expected["pkg"]
    for side in ("bids", "asks"):
        levels = [[level["price"], level["size"]] for level in values[side]]
        assert levels == [[Decimal(p), Decimal(s)] for p, s in expected[side]]


def sample_fields(event: str) -> dict[str, Any]:
    """Return one value for every field of a template, each different from the others."""
    message = schema().messages[sbe.TEMPLATES[event].template_id]
    values: dict[str, Any] = {}
    for index, part in enumerate(message.fields, start=1):
        if part.type.exponent is not None:
            values[part.name] = Decimal(index).scaleb(part.type.exponent) * 1001
        elif part.type.words is not None:
            values[part.name] = list(part.type.words.values())[-1]
        elif part.type.bits is not None:
            values[part.name] = set(part.type.bits.values())
        elif part.type.size == 32:
            values[part.name] = ACCOUNT
        else:
            values[part.name] = 100 + index
    for name in message.groups:
        values[name] = [(Decimal(len(name)), Decimal(i)) for i in range(3)]
    values |= {name: SAMPLE_TEXT.format(i) for i, (name, _) in enumerate(message.texts)}
    return values


def expected_values(event: str, fields: dict[str, Any], version: int) -> dict[str, Any]:
    message = schema().messages[sbe.TEMPLATES[event].template_id]
    since = {part.name: part.since for part in message.fields} | dict(message.texts)
    values = {k: v for k, v in fields.items() if since.get(k, 0) <= version}
    for name in message.groups:
        values[name] = [{"price": price, "size": size} for price, size in fields[name]]
    if event == "order" and version < 2:
        values["flags"] = values["flags"] - {"MMP"}
    return values


@pytest.mark.parametrize("version", [0, 1, 2, 3])
@pytest.mark.parametrize("event", sbe.TEMPLATES)
def test_every_template_decodes_to_what_was_encoded(event: str, version: int) -> None:
    if version < sbe.TEMPLATES[event].since:
        with pytest.raises(ValueError, match="does not exist"):
            sbe.encode(event, sample_fields(event), version)
        return
    fields = sample_fields(event)
    frame = schema().decode(sbe.encode(event, fields, version))
    assert frame.version == version
    assert frame.block_length == schema().messages[frame.template_id].block_length(version)
    assert frame.values == expected_values(event, fields, version)


@pytest.mark.parametrize(
    ("event", "absent"),
    [
        ("trade", {"tradeIdStr"}),
        ("order", {"requestStatus", "requestType", "requestId", "requestMessage"}),
        ("account", {"lastSeenNotification"}),
    ],
)
def test_short_layout_of_version_2_lacks_only_the_late_fields(event: str, absent: set[str]) -> None:
    fields = sample_fields(event)
    frame = schema().decode(sbe.encode(event, fields, 2, long_layout=False))
    whole = expected_values(event, fields, 2)
    assert frame.values == {k: v for k, v in whole.items() if k not in absent}
    assert frame.version == 2


@pytest.mark.parametrize("event", sbe.TEMPLATES)
def test_null_is_sent_where_and_only_where_the_schema_allows_it(event: str) -> None:
    message = schema().messages[sbe.TEMPLATES[event].template_id]
    for part in message.fields:
        fields = sample_fields(event) | {part.name: None}
        if part.is_optional:
            assert schema().decode(sbe.encode(event, fields, 3)).values[part.name] is None
        else:
            with pytest.raises(ValueError, match=rf"{event}\.{part.name}"):
                sbe.encode(event, fields, 3)


def test_every_word_of_the_schema_can_be_sent() -> None:
    for event, template in sbe.TEMPLATES.items():
        message = schema().messages[template.template_id]
        for part in message.fields:
            for word in (part.type.words or {}).values():
                fields = sample_fields(event) | {part.name: word}
                assert schema().decode(sbe.encode(event, fields, 3)).values[part.name] == word
            for word in (part.type.bits or {}).values():
                fields = sample_fields(event) | {part.name: [word]}
                assert schema().decode(sbe.encode(event, fields, 3)).values[part.name] == {word}


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda raw: raw[:5], "no header"),
        (lambda raw: raw[:30], "block cut short"),
        (lambda raw: raw[:-1], "text cut short"),
        (lambda raw: raw + b"\0", "1 bytes left over"),
        (lambda raw: raw[:2] + b"\x63" + raw[3:], "template 99"),
        (lambda raw: raw[:4] + b"\x02" + raw[5:], "unknown schema 2"),
        (lambda raw: raw[:32] + b"\x09" + raw[33:], "side: no word for 9"),
        (lambda raw: raw[:33] + b"\0" * 7 + b"\x80" + raw[41:], "price: null in a required"),
    ],
)
def test_the_judge_refuses_damaged_frames(damage: Any, text: str) -> None:
    raw = sbe.encode("trade", sample_fields("trade"), 2)
    with pytest.raises(FrameError, match=text):
        schema().decode(damage(raw))
