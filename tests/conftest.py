"""What holds for every session: the named build is the one tested, and nothing leaves here.

The guard sees what connects through Python's sockets; native clients that open their own do not
pass it.
"""

import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from hypothesis import settings

import paradex_adapter_core
from paradex_adapter_core.build import is_compiled

BUILDS = ("compiled", "pure")

# How long an example takes says more about the machine than about the property.
settings.register_profile("whole", deadline=None)
settings.load_profile("whole")


class NonLoopbackConnect(AssertionError):
    """A test tried to reach another machine."""


def is_loopback(host: str) -> bool:
    """Return whether a socket address names this machine."""
    if host in ("", "localhost"):
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def refuse_other_machines(event: str, args: tuple[object, ...]) -> None:
    """Audit hook: refuse to connect to anything but the loopback."""
    if event != "socket.connect":
        return
    address = args[1]
    # The addresses of unix sockets are text or bytes.
    if isinstance(address, tuple) and not is_loopback(str(address[0])):
        raise NonLoopbackConnect(f"tests stay on this machine; tried to connect to {address!r}")


def core_modules() -> Iterator[str]:
    """Import every module of the core and give the names of those that could be compiled."""
    package = paradex_adapter_core
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(found.name)
        if not found.ispkg:
            yield found.name


def build_of(name: str) -> str:
    """Return which build a module comes from, by the suffix of its file."""
    path = sys.modules[name].__file__
    return "pure" if path is None or path.endswith(".py") else "compiled"


def pytest_configure(config: pytest.Config) -> None:
    sys.addaudithook(refuse_other_machines)
    expected = os.environ.get("PARADEX_EXPECT")
    if not expected:
        return
    if expected not in BUILDS:
        pytest.exit(f"PARADEX_EXPECT is {expected!r}; it names a build: compiled or pure", 4)
    wrong = [name for name in core_modules() if build_of(name) != expected]
    if wrong:
        pytest.exit(
            f"PARADEX_EXPECT={expected}, but {wrong[0]} (and {len(wrong) - 1} more) is the other "
            f"build: {sys.modules[wrong[0]].__file__}",
            4,
        )


def pytest_report_header(config: pytest.Config) -> str:
    build = "compiled" if is_compiled() else "pure"
    return f"paradex core: {build}, from {os.path.dirname(paradex_adapter_core.__file__ or '')}"
