"""What Parley reads in a mail, as plain JSON: the answer of `python -m bot parse-email`, for any bytes and without settings."""

from dataclasses import asdict
from typing import Any, assert_never

from channels.email.decision import Approve, Decision, Deny, Edit, decision
from channels.email.kind import Kind, classify
from channels.email.mail import Mail, parse
from channels.email.newtext import NewText, new_text


def describe(raw: bytes, name: str = "") -> dict[str, Any]:
    """The mail in the file `name`. Never raises; `text` is what the person newly wrote, `verdict` what Parley makes of it."""
    mail = parse(raw)
    kind, new = classify(mail), new_text(mail)
    return {
        "file": name,
        "kind": kind.kind,
        "from": mail.from_.address,
        "from_name": mail.from_.name,
        "subject": mail.subject,
        "date": mail.date.isoformat() if mail.date else None,
        "text": "" if mail.reason else new.text,
        "message_id": mail.message_id or None,
        "in_reply_to": next(iter(mail.in_reply_to), None),
        "references": list(mail.references),
        "attachments": [{"name": each.name, "type": each.type, "size": each.size} for each in mail.attachments],
        "verdict": _verdict(mail, kind, new),
    }


def _verdict(mail: Mail, kind: Kind, new: NewText) -> dict[str, Any]:
    means, why = _meaning(mail, kind, new)
    return {
        "means": means,
        "why": why,
        "kind_because": kind.why,
        "bounce": asdict(kind.bounce) if kind.bounce else None,
        "quoted_removed": new.quoted_removed,
        "signature_removed": new.signature_removed,
        "forwarded": new.forwarded,
        "proof": _proof(mail),
        "notes": [*mail.notes, *([mail.reason] if mail.reason else [])],
    }


def _meaning(mail: Mail, kind: Kind, new: NewText) -> tuple[str, str]:
    """`approve`, `deny`, `change`, `message`, `undelivered` or `nothing`, and a sentence about it."""
    if kind.kind == "bounce":
        return "undelivered", "One of our mails is said not to have arrived; it counts if we really sent it."
    if kind.kind == "auto":
        return "nothing", "Automatic mail starts nothing and answers nothing."
    if mail.from_.count != 1:
        return "nothing", "It does not name exactly one sender, so nobody could be answered."
    if mail.reason:
        return "message", mail.reason
    if not new.text.strip():
        return "message", "The mail holds nothing but what was quoted."
    return _decided(decision(new.own))


def _decided(found: Decision | None) -> tuple[str, str]:
    match found:
        case None:
            return "message", "It is a message: no line of it is exactly a decision."
        case Approve():
            return "approve", "It approves, if it answers an approval and its sender is proved and entitled."
        case Deny():
            return "deny", "It denies, if it answers an approval and its sender is proved and entitled."
        case Edit():
            return "change", "It changes what was asked, if its sender is proved and entitled."
    assert_never(found)


def _proof(mail: Mail) -> str:
    if mail.from_.count != 1:
        return "None: the mail does not name exactly one sender."
    if not mail.all("authentication-results"):
        return "None: no server says anything about its sender."
    return "Not looked at: that takes the server that EMAIL_AUTHSERV_ID names."
