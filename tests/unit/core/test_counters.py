from paradex_adapter_core.parsers.counters import (
    COUNTERS_MAX,
    KEY_CHARS_MAX,
    OVERFLOW_KEY,
    count,
)


def test_kinds_are_counted_apart() -> None:
    counters: dict[str, int] = {}
    for key in ("a", "b", "a"):
        count(counters, key)
    assert counters == {"a": 2, "b": 1}


def test_number_of_kinds_is_bounded() -> None:
    counters: dict[str, int] = {}
    for number in range(COUNTERS_MAX + 10):
        count(counters, f"kind {number}")
    count(counters, "kind 0")
    assert len(counters) == COUNTERS_MAX + 1
    assert counters[OVERFLOW_KEY] == 10
    assert counters["kind 0"] == 2


def test_length_of_a_kind_is_bounded() -> None:
    counters: dict[str, int] = {}
    count(counters, "k" * 1000)
    assert counters == {"k" * KEY_CHARS_MAX: 1}
