"""Where a trading key may come from besides a setting: a file of its owner's, or a callable.

A callable keeps the key where it is (a hardware module, another process, another machine): it is
given the hash of a message and returns the signature. It is called on the event loop, so it must
answer within milliseconds, and whatever it raises means that the message is not sent.
"""

import importlib
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from paradex_adapter.venue.errors import ConfigurationError, InvalidRequest

KEY_FILE_BYTES_MAX: Final = 4096
SIGNER_CHARS_MAX: Final = 256
_SIGNATURE_BOUND: Final = 2**252
_KEY: Final = re.compile(rb"\s*(0[xX][0-9a-fA-F]{1,64})\s*")

type Signer = Callable[[int], tuple[int, int]]


def read_key_file(setting: str, path_text: str) -> str:
    """Return the key in a file that nobody but its owner may read, ``0x...``.

    Parameters
    ----------
    setting : str
        The option or variable that names the file.
    path_text : str
        Its path; ``~`` is the home folder.

    Raises
    ------
    ConfigurationError
        If it cannot be read, others may read it, or it holds no key. The text never holds any of
        the file's content.
    """
    try:
        path = Path(path_text).expanduser()
        with path.open("rb") as file:
            # Of the open file: the path may name another one by now.
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(KEY_FILE_BYTES_MAX + 1)
    except (OSError, ValueError, RuntimeError) as error:
        # RuntimeError: the home folder of nobody.
        why = getattr(error, "strerror", None) or "it is no path"
        raise ConfigurationError(setting, f"the file cannot be read ({why.lower()})") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(
            setting, f"others may read the file; let its owner alone do it: chmod 600 {path}"
        )
    if len(content) > KEY_FILE_BYTES_MAX:
        raise ConfigurationError(setting, "the file is too long for a key; name the key's file")
    key = _KEY.fullmatch(content)
    if key is None:
        remedy = "the file holds no key; write it there as 0x and up to 64 hexadecimal digits"
        raise ConfigurationError(setting, remedy)
    return key[1].decode("ascii")


def import_signer(path_text: str) -> Signer:
    """Return the callable that an import path such as ``package.module:function`` names.

    Its signatures are checked for their form; anything it raises becomes `InvalidRequest` without
    its text, which may tell secrets.

    Raises
    ------
    ConfigurationError
        If there is no such callable.
    """
    module_name, _, name = path_text.strip().partition(":")
    remedy = "it is not an import path of a callable; write it as package.module:function"
    is_path = all(part.isidentifier() for part in (*module_name.split("."), name))
    if len(path_text) > SIGNER_CHARS_MAX or not is_path:
        raise ConfigurationError("signer", remedy)
    try:
        found = getattr(importlib.import_module(module_name), name, None)
    except ImportError:
        raise ConfigurationError("signer", f"module {module_name} cannot be imported") from None
    except Exception as error:  # noqa: BLE001 - the user's code may raise anything
        reason = f"module {module_name} cannot be imported: it raised {type(error).__name__}"
        raise ConfigurationError("signer", reason) from None
    if not callable(found):
        raise ConfigurationError("signer", remedy)
    return checked_signer(found)


def checked_signer(signer: Callable[[int], object]) -> Signer:
    """Return a signer that raises `InvalidRequest` where `signer` raises or gives no signature."""

    def sign(message_hash: int) -> tuple[int, int]:
        try:
            signature = signer(message_hash)
        except Exception as error:  # noqa: BLE001 - the user's code may raise anything
            reason = f"cannot be made: the signer raised {type(error).__name__}"
            raise InvalidRequest("signature", reason) from None
        if isinstance(signature, tuple) and len(signature) == 2:
            r, s = signature
            if all(type(part) is int and 0 < part < _SIGNATURE_BOUND for part in (r, s)):
                return r, s
        raise InvalidRequest("signature", "cannot be made: the signer gave no two numbers")

    return sign
