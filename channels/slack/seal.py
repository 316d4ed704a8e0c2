"""Slack's tokens at rest: sealed with a key that is made from BOT_SECRET, each under its own name (AES-256-GCM)."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.settings import SettingsError

NONCE = 12  # bytes


class Seal:
    """Closes and opens what is kept under a name. What was closed under one name does not open under another."""

    def __init__(self, secret: str) -> None:
        key = HKDF(SHA256(), length=36, salt=None, info=b"parley: slack installations").derive(secret.encode())
        self._cipher = AESGCM(key[:32])
        self.mark = key[32:].hex()  # tells keys apart, and nothing of them

    def close(self, name: str, content: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._cipher.encrypt(nonce, content, name.encode())

    def open(self, name: str, closed: bytes) -> bytes:
        """Raises SettingsError for what was not closed by this seal under this name, or was changed since."""
        try:
            return self._cipher.decrypt(closed[:NONCE], closed[NONCE:], name.encode())
        except (InvalidTag, ValueError):
            raise SettingsError(
                "What the store holds of Slack's installations was changed: install the app anew at /slack/install."
            ) from None
