"""Reply addresses that say which question they belong to: parley+q.<token>@example.com.

A token carries a reference (a thread and an interaction) and 128 bits of HMAC-SHA256 over it, in lower-case base32:
nobody can make one without the secret, and a mail server that changes the case of addresses does no harm. It says
which question a mail answers, never who wrote it.
"""

import base64
import binascii
import hashlib
import hmac
import re

from channels.email.mail import Mail

_TAG = 16  # bytes of the HMAC
_LOCAL_PART = 64  # bytes, RFC 5321 section 4.5.3.1.1
_TOKEN = re.compile(r"(?:^|[^a-z0-9])q\.([a-z2-7]{27,80})(?![a-z2-7])", re.IGNORECASE)
_FROM_LOCAL_PART = re.compile(r"\+q\.([a-z2-7]{27,80})$", re.IGNORECASE)


def mint(secret: str, ref: str) -> str:
    """The token of this reference (ASCII): the shorter the reference, the shorter the address."""
    data = ref.encode("ascii")
    return base64.b32encode(_tag(secret, data) + data).decode().rstrip("=").lower()


def read(secret: str, token: str) -> str | None:
    """The reference that this token was minted for; None when we did not mint it."""
    padded = token.upper() + "=" * (-len(token) % 8)
    try:
        decoded = base64.b32decode(padded)
    except (binascii.Error, ValueError):
        return None
    tag, data = decoded[:_TAG], decoded[_TAG:]
    if not data or not hmac.compare_digest(tag, _tag(secret, data)):
        return None
    # Only the one spelling counts: the unused bits at the end of base32 would make others.
    return data.decode("ascii", "replace") if mint(secret, data.decode("ascii", "replace")) == token.lower() else None


def reply_address(base: str, token: str) -> str:
    """Our address with the token in it. Raises ValueError where no server would take an address that long."""
    local, _, host = base.rpartition("@")
    address = f"{local}+q.{token}@{host}"
    if len(f"{local}+q.{token}".encode()) > _LOCAL_PART:
        room = _LOCAL_PART - len(f"+q.{token}")
        raise ValueError(
            f"EMAIL_ADDRESS is too long to carry a reply token: {room} characters fit before the @, {local!r} has {len(local)}."
        )
    return address


def find_tokens(mail: Mail) -> list[str]:
    """Every token in a mail, most trustworthy place first: recipient addresses, what it answers, what it quotes."""
    found = [match[1] for address in mail.recipients if (match := _FROM_LOCAL_PART.search(address.rpartition("@")[0]))]
    for place in (*mail.in_reply_to, *reversed(mail.references), mail.text[:200_000]):
        found.extend(match[1] for match in _TOKEN.finditer(place))
    return list(dict.fromkeys(token.lower() for token in found))


def _tag(secret: str, data: bytes) -> bytes:
    return hmac.digest(secret.encode(), b"reply-address:" + data, hashlib.sha256)[:_TAG]
