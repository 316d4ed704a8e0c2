"""Whether a mail really is from whom it says, as the receiving server judged it (RFC 8601, RFC 7489).

Only `Authentication-Results` of the configured server count, and of several the topmost. The mail is who it says it is
when that server saw dmarc=pass for the domain in From, or a DKIM signature or an SPF sender of exactly that domain.
There is no list of public suffixes here: a sender whose DKIM domain is another one of the same organisation is
recognised by the server's DMARC verdict alone. Everything that is missing, doubled or doubtful proves nothing.
"""

import re
from dataclasses import dataclass, field

from channels.email.address import domain
from channels.email.mail import Mail

_LONGEST = 20_000  # characters of one header


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the From address is proved, by which method, and why (a sentence for people)."""

    proved: bool
    why: str
    address: str = ""
    method: str = ""


@dataclass(frozen=True, slots=True)
class _Result:
    """One `method=result property=value …` of a header."""

    method: str
    result: str
    properties: dict[str, str] = field(default_factory=dict)


def authentication(mail: Mail, authserv_id: str, *, microsoft: bool = False) -> Verdict:
    """Who wrote this mail, as far as the server `authserv_id` proved it. Never raises; in doubt nothing is proved.

    `microsoft` accepts the header of Microsoft 365, which names no server: only its topmost header, with compauth or DMARC.
    """
    if mail.from_.count != 1 or not mail.from_.address:
        return Verdict(False, "The mail does not name exactly one sender.")
    if not authserv_id.strip() and not microsoft:
        return Verdict(False, "EMAIL_AUTHSERV_ID is not set, so no server's word about senders is taken.")
    results = _results(mail, authserv_id, microsoft)
    if results is None:
        return Verdict(False, "The configured server said nothing about this mail's sender.")
    return _judged(mail.from_.address, results, microsoft)


def _judged(address: str, results: list[_Result], microsoft: bool) -> Verdict:
    sender = domain(address)
    dmarc = [each for each in results if each.method == "dmarc"]
    if any(each.result == "pass" for each in dmarc):
        alone = len(dmarc) == 1 and domain(dmarc[0].properties.get("header.from", sender).strip('"')) == sender
        if alone:
            return Verdict(True, f"The server checked DMARC for {sender}.", address, "dmarc")
        return Verdict(False, "The server checked DMARC, but not for this sender's domain alone.")
    if dmarc and any(each.result not in ("none", "bestguesspass") for each in dmarc):
        return Verdict(False, f"DMARC did not pass for {sender}.")
    if microsoft:
        passed = any(each.method == "compauth" and each.result == "pass" for each in results)
        return Verdict(
            passed,
            "Microsoft's check of the sender " + ("passed." if passed else "did not pass."),
            address if passed else "",
            "compauth",
        )
    for method, names in _ALIGNED.items():
        if any(each.method == method and each.result == "pass" and sender in _domains(each, names) for each in results):
            return Verdict(True, f"The server checked {method.upper()} for {sender}.", address, method)
    return Verdict(False, f"The server proved nothing about {sender}.")


# The properties that hold the domain which a method speaks about.
_ALIGNED = {"dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom", "smtp.mail")}


def _domains(result: _Result, names: tuple[str, ...]) -> set[str]:
    return {domain(value.strip('"')) for name in names if (value := result.properties.get(name))} - {""}


def _results(mail: Mail, authserv_id: str, microsoft: bool) -> list[_Result] | None:
    """What the topmost header of that server says; None where there is none."""
    found = [(at, value) for at, (name, value) in enumerate(mail.headers) if name == "authentication-results"]
    for number, (at, value) in enumerate(found):
        server, results = parse_results(value)
        if server is None:
            return []  # perhaps the server's own, made unreadable: what stands below it is older and may be forged
        if server and authserv_id.strip() and domain(server) == domain(authserv_id):
            return results if _by_the_receiving_hop(mail, at, domain(server)) else []
        if microsoft and number == 0 and server == "":
            return results
    return None


def _by_the_receiving_hop(mail: Mail, at: int, server: str) -> bool:
    """A server puts its results above its own Received; what stands below that came in with the mail.

    Google puts them below, and removes those that came in with its name.
    """
    if server == "mx.google.com":
        return True
    received = [_without_comments(value) or "" for name, value in mail.headers[:at] if name == "received"]
    return not any(domain(by[1]) == server for value in received if (by := re.search(r"\bby\s+([^\s;]{1,255})", value)))


_QUOTED = r'"(?:[^"\\]|\\.)*"'
_SERVER = re.compile(rf"\s*({_QUOTED}|[^\s;=\"]{{1,255}})(?:\s+1)?\s*")
_METHOD = re.compile(r"\s*([A-Za-z0-9_-]{1,40})(?:\s*/\s*1)?\s*=\s*([A-Za-z0-9_-]{1,40})(?=\s|$)")
_PROPERTY = re.compile(
    rf"\s+([A-Za-z0-9_-]{{1,40}}(?:\s*\.\s*[A-Za-z0-9_-]{{1,40}})?)\s*=\s*((?:{_QUOTED}|[^\s;\"])+)(?=\s|$)"
)
_PIECE = re.compile(rf"{_QUOTED}|[^\";]+|;")


def parse_results(value: str) -> tuple[str | None, list[_Result]]:
    """The server a header names and its results: "" for the form without a server, None for what cannot be read."""
    text = _without_comments(value[:_LONGEST])
    clauses = _clauses(text) if text is not None else None
    if not clauses:
        return None, []
    if _METHOD.match(clauses[0]):
        return "", [_result(clause) for clause in clauses if clause.strip()]
    server = _SERVER.fullmatch(clauses[0])
    if not server:
        return None, []
    return server[1].strip('"'), [_result(clause) for clause in clauses[1:] if clause.strip()]


def _clauses(text: str) -> list[str] | None:
    """The text between semicolons that no quotation marks hide; None when a quotation never ends."""
    clauses, at = [""], 0
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None:
            return None
        if piece[0] == ";":
            clauses.append("")
        else:
            clauses[-1] += piece[0]
        at = piece.end()
    return clauses


def _result(clause: str) -> _Result:
    """`method [/ version] = result [reason = value] [ptype . property = value]…`; a method that cannot be read passes nothing."""
    method = _METHOD.match(clause)
    if not method:
        named = re.match(r"\s*([A-Za-z0-9_-]{1,40})", clause)
        return _Result(named[1].lower() if named else "", "unreadable")
    properties: dict[str, str] = {}
    at = method.end()
    while match := _PROPERTY.match(clause, at):
        name = re.sub(r"\s", "", match[1]).lower()
        if name in properties:
            return _Result(method[1].lower(), "unreadable")
        properties[name] = match[2]
        at = match.end()
    return _Result(method[1].lower(), "unreadable" if clause[at:].strip() else method[2].lower(), properties)


def _without_comments(value: str) -> str | None:
    """The header with a space for each comment; None when one never ends."""
    kept, at = [], 0
    while at < len(value):
        if value[at] == "(":
            end = _comment_end(value, at)
            if end is None:
                return None
            kept.append(" ")
            at = end
        elif value[at] == '"' and (quoted := re.compile(_QUOTED).match(value, at)):
            kept.append(quoted[0])
            at = quoted.end()
        else:
            kept.append(value[at])
            at += 1
    return "".join(kept)


def _comment_end(value: str, at: int) -> int | None:
    depth = 0
    while at < len(value):
        char = value[at]
        at += 2 if char == "\\" else 1
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return at
    return None
