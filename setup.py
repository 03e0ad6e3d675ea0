"""Compile the core with mypyc, or leave it pure when ``PARADEX_PURE=1``."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
CORE = ROOT / "paradex_adapter_core"
PURE = os.environ.get("PARADEX_PURE") == "1"


def core_sources() -> list[str]:
    """Return the core's modules; ``__init__`` stays interpreted, so that it stays readable."""
    found = (path for path in CORE.rglob("*.py") if path.name != "__init__.py")
    return sorted(str(path.relative_to(ROOT)) for path in found)


def refuse_stale_modules() -> None:
    """Stop a pure build in a tree that holds compiled modules: Python would import those instead."""
    stale = sorted(CORE.rglob("*.so")) + sorted(CORE.rglob("*.pyd"))
    if stale:
        sys.exit(
            f"PARADEX_PURE=1, but {stale[0].parent.relative_to(ROOT)} holds compiled modules, which "
            "Python would import instead: remove them first (find paradex_adapter_core -name '*.so' "
            "-delete)."
        )


def need_compiler() -> None:
    """Stop with one sentence when there is no C compiler."""
    if sys.platform == "win32":
        return
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        sys.exit(
            f"The C compiler {compiler!r} was not found: install it (Debian: apt install gcc), or set "
            "PARADEX_PURE=1 for the slower build without compiled modules."
        )


class BuildCore(build_ext):
    """Build the compiled core, having made sure that a compiler exists."""

    def run(self) -> None:
        """Check, then build."""
        if self.extensions:
            need_compiler()
        super().run()


if PURE:
    refuse_stale_modules()
    extensions = []
else:
    need_compiler()
    from mypyc.build import mypycify

    os.chdir(ROOT)
    extensions = mypycify(
        ["--config-file", "pyproject.toml", *core_sources()],
        opt_level=os.environ.get("MYPYC_OPT_LEVEL", "3"),
        debug_level="1",
        group_name="paradex_adapter_core._native",
    )

setup(ext_modules=extensions, cmdclass={"build_ext": BuildCore})
