"""``paradex-demo``: a node trades on a local exchange, and both books are compared."""

from paradex_adapter.demo.session import run

__all__ = ["run"]
