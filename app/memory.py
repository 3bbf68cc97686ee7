"""What a personal terminal remembers of its driver: the identification, in a keyring whose back end is chosen here.

keyring's own search for a back end may prompt on the terminal and break the screen, so it is never used. All functions
block on a disk or on a system service: call them outside the user interface's loop.
"""

import configparser
import sys
from datetime import datetime
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringError
from keyrings.alt.file import PlaintextKeyring
from pydantic import ValidationError

from core.driver_messages import Login

_SERVICE = "evroam"
_FAILURES = (KeyringError, OSError, ValueError, configparser.Error)


class Memory:
    """Keeps the login at one home platform. `home` is its URL or another name for it."""

    def __init__(self, keyring: KeyringBackend, home: str) -> None:
        self._keyring = keyring
        self._home = home

    @classmethod
    def open(cls, folder: Path, home: str) -> "Memory":
        """The system's keyring where there is one that does not prompt, else a file in the folder for its owner."""
        return cls(_system_keyring() or _file_keyring(folder), home)

    def load(self, now: datetime) -> Login | None:
        """The login that was kept and is still valid; what cannot be read is as good as none."""
        try:
            kept = self._keyring.get_password(_SERVICE, self._home)
            login = None if kept is None else Login.model_validate_json(kept)
        except (*_FAILURES, ValidationError):
            return None
        return login if login is not None and login.expires_at > now else None

    def keep(self, login: Login) -> bool:
        """Keep a login; False where the keyring refuses, which costs no more than another identification."""
        try:
            self._keyring.set_password(_SERVICE, self._home, login.model_dump_json())
        except _FAILURES:
            return False
        return True

    def forget(self) -> None:
        """Keep nothing any more."""
        try:
            if self._keyring.get_password(_SERVICE, self._home) is not None:
                self._keyring.delete_password(_SERVICE, self._home)
        except _FAILURES:
            return


def _system_keyring() -> KeyringBackend | None:
    """macOS and Windows have one that opens with the user's session; Linux's may be locked and ask, so it is none."""
    if sys.platform == "darwin":
        from keyring.backends.macOS import Keyring

        return Keyring()
    if sys.platform == "win32":
        from keyring.backends.Windows import WinVaultKeyring

        return WinVaultKeyring()
    return None


def _file_keyring(folder: Path) -> KeyringBackend:
    """A file that only its owner may read: the back end makes it so."""
    keyring: KeyringBackend = PlaintextKeyring()
    keyring.file_path = str(folder / "keyring.cfg")  # type: ignore[attr-defined]  # keyrings.alt's own way to place it
    return keyring
