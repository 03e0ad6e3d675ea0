"""The core's source, interpreted, beside the compiled core of the same process."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType

CORE = "paradex_adapter_core"


class SourceOnly:
    """Finds the core's modules as source, whatever compiled ones lie beside it."""

    def __init__(self, paths: dict[str, Sequence[str]]) -> None:
        self._paths = paths

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package = name.rpartition(".")[0]
        if not (name == CORE or name.startswith(f"{CORE}.")):
            return None
        for folder in self._paths[CORE] if path is None and package else path or ():
            spec = FileFinder(folder, (SourceFileLoader, [".py"])).find_spec(name)
            if spec is not None:
                return spec
        return None


def import_interpreted(name: str) -> ModuleType:
    """Return a module of the core as source; what everybody else imports stays as it is."""
    ours = {key: module for key, module in sys.modules.items() if key.partition(".")[0] == CORE}
    finder = SourceOnly({CORE: import_module(CORE).__path__})
    for key in ours:
        if key != CORE:
            del sys.modules[key]
    sys.meta_path.insert(0, finder)
    try:
        module = import_module(name)
    finally:
        sys.meta_path.remove(finder)
        for key in [key for key in sys.modules if key.partition(".")[0] == CORE]:
            del sys.modules[key]
        sys.modules.update(ours)
    assert str(module.__file__).endswith(".py")
    return module
