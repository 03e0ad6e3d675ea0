"""Every habit of this project as a session; ``nox -l`` lists them."""

import os
import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["types", "style", "tests"]
nox.options.error_on_missing_interpreters = True

ROOT = Path(__file__).resolve().parent
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
TEST_GROUP = nox.project.dependency_groups(PYPROJECT, "test")
DEV_GROUP = nox.project.dependency_groups(PYPROJECT, "dev")
PYTHONS = ["3.12", "3.13"]

# Where tests/integration/test_real_clients.py looks for them when no variable names an interpreter.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
CLIENTS = CACHE / "paradex-adapter" / "clients"
# Each runs in an environment of its own: paradex-py has wheels for Python 3.10 only, which must be
# on the path (under pyenv: name both versions in PYENV_VERSION) or downloadable by uv.
CLIENT_ENVIRONMENTS = {
    "ccxt": ("3.12", "ccxt==4.5.90"),
    "paradex_py": ("3.10", "paradex-py==0.8.2"),
}


def install_build(session: nox.Session, build: str, *more: str) -> None:
    """Install the project as its users get it (not editable), compiled or pure."""
    # The build folder of an earlier build would hand its modules to this one.
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    environment = {"PARADEX_PURE": "1" if build == "pure" else "0"}
    session.install(
        "--no-cache", "--reinstall-package", "paradex-adapter", ".[fast]", *more, env=environment
    )
    # Without this the checkout's own packages would be imported instead of the installed ones.
    session.env["PYTHONSAFEPATH"] = "1"
    session.env["PARADEX_EXPECT"] = build
    session.env["PARADEX_PURE"] = environment["PARADEX_PURE"]


@nox.session(python=PYTHONS)
@nox.parametrize("build", ["compiled", "pure"])
def tests(session: nox.Session, build: str) -> None:
    """Run the suite on one Python and one build, which the run proves."""
    install_build(session, build, *TEST_GROUP)
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python="3.12")
def types(session: nox.Session) -> None:
    """Check types strictly, in both packages."""
    session.install(*DEV_GROUP, *PYPROJECT["project"]["dependencies"])
    session.run("python", "-m", "mypy")


@nox.session(python="3.12")
def style(session: nox.Session) -> None:
    """Check format and lint."""
    session.install("ruff==0.17.6")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session(python="3.12")
def coverage(session: nox.Session) -> None:
    """Measure branch coverage of the core on the pure build; anything under 100 % fails."""
    install_build(session, "pure", *TEST_GROUP, "coverage[toml]>=7.8,<8")
    session.run(
        "coverage",
        "run",
        "-m",
        "pytest",
        "tests/unit/core",
        "tests/property",
        "tests/contract",
        *session.posargs,
    )
    session.run("coverage", "report")


@nox.session(python="3.12")
def bench(session: nox.Session) -> None:
    """Run the benchmarks on the compiled build and print one table of ratios."""
    install_build(session, "compiled", *TEST_GROUP)
    result = Path(session.create_tmp()).resolve() / "benchmark.json"
    session.run(
        "python", "-m", "pytest", "benchmarks", "--benchmark-enable", "--benchmark-only",
        "-o", "timeout=900", f"--benchmark-json={result}", "--benchmark-quiet", *session.posargs,
    )  # fmt: skip
    session.run("python", "benchmarks/table.py", str(result))
    session.run("python", "-m", "benchmarks.order_latency")


@nox.session(python="3.12")
def wheels(session: nox.Session) -> None:
    """Build sdist, compiled and pure wheel; import each and prove its build."""
    session.install("build[uv]")
    dist = Path(session.create_tmp()).resolve() / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    for build in ("compiled", "pure"):
        shutil.rmtree(ROOT / "build", ignore_errors=True)
        target = dist / build
        kinds = ["--wheel"] if build == "pure" else ["--sdist", "--wheel"]
        pure = "1" if build == "pure" else "0"
        session.run(
            "python", "-m", "build", "--installer=uv", *kinds, "--outdir", str(target), ".",
            env={"PARADEX_PURE": pure},
        )  # fmt: skip
        wheel = next(target.glob("*.whl"))
        session.install("--reinstall-package", "paradex-adapter", str(wheel))
        check = ";".join(
            [
                "import paradex_adapter, paradex_adapter.local_exchange",
                "from paradex_adapter_core import build",
                f"assert build.is_compiled() is {build == 'compiled'}, build.__file__",
                "print(paradex_adapter.__version__, build.__file__)",
            ]
        )
        session.run("python", "-c", check, env={"PYTHONSAFEPATH": "1"})


@nox.session(python="3.12")
def demo(session: nox.Session) -> None:
    """Run the demo as installed."""
    install_build(session, "compiled")
    session.run("paradex-demo", *session.posargs)


@nox.session(python="3.12")
def docs(session: nox.Session) -> None:
    """Check that the documents' links, code blocks and cited tests exist."""
    install_build(session, "pure", *TEST_GROUP)
    session.run("python", "-m", "pytest", "tests/contract/test_documents.py", *session.posargs)


@nox.session(python="3.12")
def fixtures(session: nox.Session) -> None:
    """Record again what can be recorded and show the difference; ``-- --write`` keeps it."""
    install_build(session, "pure", *TEST_GROUP)
    session.run("python", "fixtures/record.py", *session.posargs)


@nox.session(python="3.12")
def clients(session: nox.Session) -> None:
    """Install ccxt and paradex-py beside the checkout and drive the local exchange with both."""
    install_build(session, "pure", *TEST_GROUP, "uv")
    for name, (python, requirement) in CLIENT_ENVIRONMENTS.items():
        folder = CLIENTS / name
        interpreter = str(folder / "bin" / "python")
        session.run("uv", "venv", "--quiet", "--allow-existing", "--python", python, str(folder))
        session.run("uv", "pip", "install", "--quiet", "--python", interpreter, requirement)
    session.run(
        "python", "-m", "pytest", "tests/integration/test_real_clients.py", *session.posargs
    )


@nox.session(python="3.12")
def soak(session: nox.Session) -> None:
    """Run 200 markets for 10 minutes on the local exchange: no gap, no growth; print the lag."""
    install_build(session, "compiled", *TEST_GROUP)
    session.run("python", "benchmarks/soak.py", *session.posargs)


@nox.session(venv_backend="none")
def clean(session: nox.Session) -> None:
    """Remove compiled modules, build folders and caches."""
    for pattern in ("*.so", "*.pyd"):
        for path in (ROOT / "paradex_adapter_core").rglob(pattern):
            path.unlink()
    for name in (
        "build",
        "dist",
        "paradex_adapter.egg-info",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
    ):
        shutil.rmtree(ROOT / name, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(f"run this file with nox: python -m nox -f {os.path.basename(__file__)} -l")
