"""The core says which build it is."""

from paradex_adapter_core.build import is_compiled
from paradex_adapter_core.messages import orders


def test_the_build_is_that_of_every_module() -> None:
    assert is_compiled() is orders.__file__.endswith((".so", ".pyd"))
