"""Keys from encrypted keystores (the standard JSON of wallets). No key is printed, logged or taken from a variable."""

import getpass
import json
from pathlib import Path
from typing import Final

from seawall.units import BadInput

PASSWORD_MAX: Final = 1_024


def read_password(path: Path | None) -> str:
    """From the first line of a file that only its owner may read, else asked for."""
    if path is None:
        return getpass.getpass("password of the keystore: ")
    if not path.is_file():
        raise BadInput("password-file", "no such file")
    if path.stat().st_mode & 0o077:
        raise BadInput("password-file", "others may read it: chmod 600")
    return path.read_text("utf-8")[:PASSWORD_MAX].split("\n")[0]


def load_key(keystore: Path, password: str) -> bytes:
    """The key of a keystore. BadInput for a wrong password or a file that is none, without saying more."""
    from eth_account import Account

    try:
        return bytes(Account.decrypt(json.loads(keystore.read_text("utf-8")), password))
    except (ValueError, KeyError, TypeError, OSError, NotImplementedError) as error:
        raise BadInput("keystore", "not a keystore, or the password is wrong", str(keystore)) from error


def make_keystore(path: Path, password: str) -> str:
    """A new key in an encrypted keystore of mode 600; returns its address. Never overwrites a file."""
    from eth_account import Account

    if path.exists():
        raise BadInput("keystore", "exists", str(path))
    if not password:
        raise BadInput("password", "empty")
    account = Account.create()
    path.touch(mode=0o600)
    path.write_text(json.dumps(Account.encrypt(account.key, password)) + "\n", "utf-8")
    return str(account.address)
