"""What NautilusTrader expects of our classes, read from the installed version.

Nautilus calls adapters by name and position: a hook whose name or parameters moved is not an error
there, it is simply never called. An upgrade that moves one fails here, by name.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_origin

import pytest
from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.config import LiveDataClientConfig, LiveExecClientConfig
from nautilus_trader.live.data_client import LiveMarketDataClient
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.live.factories import LiveDataClientFactory, LiveExecClientFactory

from paradex_adapter.config import ParadexDataClientConfig, ParadexExecClientConfig
from paradex_adapter.data import ParadexDataClient
from paradex_adapter.execution import ParadexExecutionClient
from paradex_adapter.factories import ParadexLiveDataClientFactory, ParadexLiveExecClientFactory
from paradex_adapter.providers import ParadexInstrumentProvider

CLASSES = {
    ParadexDataClient: LiveMarketDataClient,
    ParadexExecutionClient: LiveExecutionClient,
    ParadexInstrumentProvider: InstrumentProvider,
    ParadexLiveDataClientFactory: LiveDataClientFactory,
    ParadexLiveExecClientFactory: LiveExecClientFactory,
}
BRIDGE = Path(inspect.getfile(ParadexDataClient)).parent
# Of what the clients inherit: how they tell the engines.
CALLED_PREFIXES = (
    "_add_subscription",
    "_await_account",
    "_handle_",
    "_log_report",
    "_remove_subscription",
    "_send_",
    "_set_",
    "generate_",
)
STARRED_ITEMS_MAX = 5
# Nautilus calls it, and ends the process when it is missing, but its base class does not have it.
HOOKS_WITHOUT_BASE = {"_query_account"}
# Ours may know more about what they get than the base, which says `LiveDataClientConfig`.
NARROWED = {
    ParadexDataClientConfig: LiveDataClientConfig,
    ParadexExecClientConfig: LiveExecClientConfig,
}


def functions_of(ours: type) -> dict[str, Callable[..., Any]]:
    """Return the methods a class of ours defines itself, its own base classes included."""
    found: dict[str, Callable[..., Any]] = {}
    for cls in reversed(ours.__mro__):
        if cls.__module__.startswith("paradex_adapter."):
            found |= {
                name: member.__func__ if isinstance(member, staticmethod | classmethod) else member
                for name, member in vars(cls).items()
                if isinstance(member, staticmethod | classmethod) or inspect.isfunction(member)
            }
    return found


def overridden() -> list[Any]:
    return [
        pytest.param(function, getattr(base, name), id=f"{ours.__name__}.{name}")
        for ours, base in CLASSES.items()
        for name, function in functions_of(ours).items()
        if hasattr(base, name) and not name.startswith("__")
    ]


def abstract_hooks(base: type) -> set[str]:
    """Return the methods of a base class that do nothing but raise NotImplementedError."""
    return {
        name
        for name, function in inspect.getmembers(base, inspect.isfunction)
        if "raise NotImplementedError" in inspect.getsource(function)
    }


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    # Compiled functions name types that their modules do not hold at run time.
    return inspect.signature(function, eval_str=inspect.isfunction(function))


def parsed(function: Callable[..., Any]) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


@pytest.mark.parametrize(("ours", "base"), overridden())
def test_an_override_has_the_signature_of_its_base(ours, base):
    theirs, own = signature_of(base), signature_of(ours)

    assert list(own.parameters) == list(theirs.parameters)
    for name, parameter in theirs.parameters.items():
        assert own.parameters[name].kind == parameter.kind, name
        assert (own.parameters[name].default is parameter.empty) == (
            parameter.default is parameter.empty
        ), name
    assert inspect.iscoroutinefunction(ours) == inspect.iscoroutinefunction(base)


@pytest.mark.parametrize(("ours", "base"), overridden())
def test_an_override_takes_the_command_its_base_is_given(ours, base):
    theirs, own = signature_of(base), signature_of(ours)
    for name, parameter in theirs.parameters.items():
        if name == "self" or parameter.annotation is parameter.empty:
            continue
        annotation = own.parameters[name].annotation
        if isinstance(annotation, type) and get_origin(annotation) is None:
            assert NARROWED.get(annotation, annotation) is parameter.annotation, name
        else:
            # dict[str, object] | None says more than dict | None, and the same of who calls.
            assert annotation is not parameter.empty, name


@pytest.mark.parametrize("ours", CLASSES, ids=lambda ours: ours.__name__)
def test_nothing_of_ours_waits_for_a_call_that_never_comes(ours):
    private = {name for name in functions_of(ours) if name.startswith("_") and name[1] != "_"}
    called_by_nautilus = {name for name in private if hasattr(CLASSES[ours], name)}
    called_by_us = {
        node.attr
        for function in functions_of(ours).values()
        for node in ast.walk(parsed(function))
        if isinstance(node, ast.Attribute)
    }

    assert private - called_by_nautilus - called_by_us == HOOKS_WITHOUT_BASE & private


@pytest.mark.parametrize("ours", CLASSES, ids=lambda ours: ours.__name__)
def test_no_abstract_hook_is_left_to_the_base_class(ours):
    assert abstract_hooks(CLASSES[ours]) - set(functions_of(ours)) == set()


def test_query_account_is_called_without_a_base():
    assert not hasattr(LiveExecutionClient, "_query_account")
    assert "self._query_account(command)" in inspect.getsource(LiveExecutionClient.query_account)
    assert inspect.iscoroutinefunction(ParadexExecutionClient._query_account)
    (_, command) = signature_of(ParadexExecutionClient._query_account).parameters.values()
    handed = signature_of(LiveExecutionClient.query_account).parameters["command"].annotation
    assert command.annotation is handed


def calls_of_nautilus() -> list[Any]:
    """Return each call in the bridge of a method that a client inherits from Nautilus."""
    inherited: dict[str, Callable[..., Any]] = {
        name: getattr(base, name)
        for base in (LiveMarketDataClient, LiveExecutionClient)
        for name in dir(base)
        if name.startswith(CALLED_PREFIXES) and callable(getattr(base, name))
    }
    return [
        pytest.param(inherited[node.func.attr], node, id=f"{path.stem}:{node.lineno}")
        for path in sorted(BRIDGE.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in inherited
    ]


@pytest.mark.parametrize(("method", "call"), calls_of_nautilus())
def test_what_we_call_takes_our_arguments(method, call):
    keywords = {keyword.arg: None for keyword in call.keywords}
    assert None not in keywords, "**options cannot be checked"
    named = [argument for argument in call.args if not isinstance(argument, ast.Starred)]
    # What a starred tuple holds is not told here, so the call must fit for some number of items.
    lengths = [0] if len(named) == len(call.args) else range(STARRED_ITEMS_MAX + 1)

    assert any(is_bound(method, len(named) + more, keywords) for more in lengths)


def is_bound(method: Callable[..., Any], count: int, keywords: dict[str, None]) -> bool:
    try:
        signature_of(method).bind(None, *range(count), **keywords)
    except TypeError:
        return False
    return True


def test_the_calls_were_found():
    called = {parameter.values[1].func.attr for parameter in calls_of_nautilus()}

    assert called >= {
        "_handle_data",
        "_send_order_status_report",
        "generate_account_state",
        "generate_order_accepted",
        "generate_order_filled",
        "generate_order_submitted",
    }


def test_the_clients_are_what_the_engines_accept():
    assert issubclass(ParadexDataClient, LiveMarketDataClient)
    assert issubclass(ParadexExecutionClient, LiveExecutionClient)


def test_a_method_that_is_missing_or_moved_would_be_found():
    class Base:
        async def _submit_order(self, command: int) -> None:
            raise NotImplementedError

    class Moved:
        async def _submit_order(self, order: int) -> None: ...

    assert abstract_hooks(Base) == {"_submit_order"}
    with pytest.raises(AssertionError):
        test_an_override_has_the_signature_of_its_base(Moved._submit_order, Base._submit_order)

    class Retyped:
        async def _submit_order(self, command: str) -> None: ...

    with pytest.raises(AssertionError):
        test_an_override_takes_the_command_its_base_is_given(
            Retyped._submit_order, Base._submit_order
        )
