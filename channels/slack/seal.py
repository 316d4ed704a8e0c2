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
        key = HKDF(SHA256(), length=32, salt=None, info=b"parley: slack installations").derive(secret.encode())
        self._cipher = AESGCM(key)

    def close(self, name: str, content: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._cipher.encrypt(nonce, content, name.encode())

    def open(self, name: str, closed: bytes) -> bytes:
        """Raises SettingsError for what was sealed with another BOT_SECRET, or changed since."""
        try:
            return self._cipher.decrypt(closed[:NONCE], closed[NONCE:], name.encode())
        except (InvalidTag, ValueError):
            raise SettingsError(
                "Slack's tokens in the store were sealed with another BOT_SECRET: set that one again, "
                "or have the app installed anew at /slack/install."
            ) from None
