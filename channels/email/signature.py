"""DKIM signatures (RFC 6376) that Parley verifies itself: for mail that its own server does not vouch for.

A signature counts for the sender's own domain alone, and only where it covers the whole mail: From is signed, no `l=`
leaves room at the end, and it has not expired.
"""

import time
from collections.abc import Callable
from typing import TypeAlias

import dkim
from dkim.dnsplug import get_txt
from dkim.util import InvalidTagValueList, parse_tag_value

from channels.email.address import domain
from channels.email.mail import Mail
from channels.email.trust import Verdict

Keys: TypeAlias = Callable[..., bytes | None]
"""Gives the TXT record of a DNS name, None where there is none; takes a timeout in seconds."""

DNS: Keys = get_txt
_SIGNATURES = 5  # of one mail that are looked at
_SECONDS = 5  # for one key
_SMALLEST = 1024  # bits of a key


def signed(mail: Mail, raw: bytes, keys: Keys = DNS, now: Callable[[], float] = time.time) -> Verdict:
    """Whether the domain in From signed this mail as it is. Never raises; in doubt nothing is proved."""
    sender = domain(mail.from_.address)
    if mail.from_.count != 1 or not sender:
        return Verdict(False, "The mail does not name exactly one sender.")
    try:
        message = dkim.DKIM(raw, minkey=_SMALLEST, timeout=_SECONDS)
        found = [value for name, value in message.headers if name.lower() == b"dkim-signature"][:_SIGNATURES]
    except dkim.DKIMException:
        return Verdict(False, "The mail is too damaged for its signatures to be read.")
    own = [at for at, value in enumerate(found) if _counts(value, sender, now())]
    if not own:
        return Verdict(False, f"The mail has no signature of {sender} that would count.")
    if any(_verified(message, at, keys) for at in own):
        return Verdict(True, f"The mail is signed by {sender}.", mail.from_.address, "dkim")
    return Verdict(False, f"The mail's signature of {sender} could not be verified.")


def _counts(value: bytes, sender: str, now: float) -> bool:
    try:
        tags = parse_tag_value(value)
    except InvalidTagValueList:
        return False
    named = tags.get(b"d", b"").decode("ascii", "replace")
    covered = {each.strip().lower() for each in tags.get(b"h", b"").split(b":")}
    expires = tags.get(b"x", b"")
    alive = not expires or (expires.isdigit() and int(expires[:20]) > now)
    return domain(named) == sender and b"from" in covered and b"l" not in tags and alive


def _verified(message: dkim.DKIM, at: int, keys: Keys) -> bool:
    try:
        return bool(message.verify(at, dnsfunc=keys))
    except Exception:  # a malformed key or signature, a DNS that does not answer: whatever it is, it proves nothing
        return False
