"""Compile the core with mypyc, or leave it pure when ``PARADEX_PURE=1``."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
CORE = ROOT / "paradex_adapter_core"
PURE = os.environ.get("PARADEX_PURE") == "1"


def core_sources() -> list[str]:
    """Return the core's modules; ``__init__`` stays interpreted, so that it stays readable."""
    found = (path for path in CORE.rglob("*.py") if path.name != "__init__.py")
    return sorted(str(path.relative_to(ROOT)) for path in found)


def need_compiler() -> None:
    """Stop with one sentence when there is no C compiler."""
    if sys.platform == "win32":
        return
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        sys.exit(
            f"The C compiler {compiler!r} was not found: install it (Debian: apt install gcc), or "
            "set PARADEX_PURE=1 for the slower build without compiled modules."
        )


class BuildPython(build_py):
    """Refuse a pure build in place where compiled modules lie: Python would import those."""

    def run(self) -> None:
        """Check, then build."""
        compiled = sorted([*CORE.rglob("*.so"), *CORE.rglob("*.pyd")])
        if PURE and self.editable_mode and compiled:
            sys.exit(
                f"PARADEX_PURE=1, but {compiled[0].parent.name} holds compiled modules, which "
                "Python would import instead: remove them first with `nox -s clean`, or with "
                "`find paradex_adapter_core -name '*.so' -delete`."
            )
        super().run()


# What only asks for metadata need not wait for the compiler.
asks_only = {"egg_info", "dist_info", "sdist"}.intersection(sys.argv[1:])

if PURE or asks_only:
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

setup(ext_modules=extensions, cmdclass={"build_py": BuildPython})
