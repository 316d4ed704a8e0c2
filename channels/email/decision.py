"""The few exact words by which a mail approves, denies or changes what was asked; anything else is a comment.

    APPROVE                     alone on the first line
    DENY, DENY why              on the first line; the lines below belong to the reason
    environment: staging        one line each, for arguments that were shown

Whole words in English, German, French, Spanish, Italian, Dutch and Portuguese, in any case. In doubt nothing is decided:
a question mark, a "but" or a "not" right below an APPROVE makes it a comment.
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from itertools import takewhile

from channels.email.phrases import closes


@dataclass(frozen=True, slots=True)
class Approve:
    """Yes, exactly as shown."""

    comment: str = ""


@dataclass(frozen=True, slots=True)
class Deny:
    """No, and why, if they said so."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """Other values for some of the arguments; `approved` when the same mail says APPROVE."""

    changes: tuple[tuple[str, str], ...]
    approved: bool = False


Decision = Approve | Deny | Edit

_APPROVE = {
    "approve", "approved", "genehmigt", "genehmigen", "freigeben", "freigegeben", "approuver", "approuvé",
    "approuvée", "approuve", "j'approuve",
    "aprobar", "aprobado", "aprobada", "apruebo", "approva", "approvo", "approvato", "approvata", "goedkeuren",
    "goedgekeurd", "aprovar", "aprovado",
    "aprovada", "aprovo",
}  # fmt: skip
_DENY = {
    "deny", "reject", "decline", "ablehnen", "refuser", "rechazar", "denegar", "rifiuta", "nega", "afwijzen",
    "weigeren", "recusar", "rejeitar", "negar",
}  # fmt: skip
# Words that also begin ordinary sentences: a reason after them needs a mark between.
_DENIED = {
    "denied", "rejected", "declined", "abgelehnt", "refusé", "refusée", "refuse", "rejeté", "rejetée", "rechazado",
    "rechazada", "rechazo", "denegado",
    "denegada", "rifiuto", "rifiutato", "rifiutata", "negato", "afgewezen", "geweigerd", "recusado", "recusada",
    "recuso", "rejeitado", "rejeitada",
    "negado", "negada",
}  # fmt: skip
_DOUBTS = {
    "no", "not", "don't", "dont", "never", "but", "wait", "only", "unless", "if", "after", "before", "first",
    "however", "except", "stop", "hold",
    "cancel", "until", "once", "instead", "when", "though", "although", "sorry", "revoke", "undo",
    "nein", "nicht", "kein", "keine", "aber", "warte", "warten", "nur", "wenn", "falls", "erst", "bevor", "nachdem",
    "jedoch", "außer", "stopp", "halt",
    "non", "pas", "mais", "attends", "attendez", "seulement", "si", "après", "avant", "d'abord", "sauf", "jamais",
    "pero", "espera", "espere", "solo", "sólo", "después", "antes", "primero", "salvo", "nunca", "excepto",
    "ma", "però", "aspetta", "aspettate", "soltanto", "se", "dopo", "prima", "mai", "tranne",
    "nee", "niet", "geen", "maar", "wacht", "alleen", "als", "eerst", "voordat", "nadat", "behalve",
    "não", "nao", "mas", "só", "apenas", "depois", "primeiro", "exceto",
}  # fmt: skip
_LOOKED_AT = 3  # lines below the first that may take an APPROVE back
_REASON = 2_000  # characters


def decision(text: str, fields: Collection[str] = ()) -> Decision | None:
    """What the person's own new text decides, if it says so exactly. `fields` are the arguments they may change."""
    lines = [line.strip() for line in _plain(text).split("\n")]
    shown = [line for line in lines if line]
    if not shown:
        return None
    first, below = shown[0], shown[1:]
    if changes := _changes(below if _approves(first) else shown, fields):
        return _edit(changes, shown, _approves(first))
    if _approves(first):
        return None if _doubtful(below[:_LOOKED_AT]) else Approve(_reason(below))
    return _denial(first, below)


def _plain(text: str) -> str:
    """Without invisible characters, so that what counts is what a reader sees."""
    text = unicodedata.normalize("NFC", text[:20_000]).replace("\u2019", "'")
    return "".join(char for char in text if char == "\n" or unicodedata.category(char) not in ("Cf", "Cc"))


def _bare(word: str) -> str:
    return word.strip("*_`\"'“”„«» ").casefold()


def _approves(line: str) -> bool:
    return _bare(line.strip("*_`\"'“”„«» ").rstrip(".!")) in _APPROVE


def _denial(first: str, below: list[str]) -> Deny | None:
    word = re.match(r"[*_`\"'“”„«»]*([^\W\d_]+)[*_`\"'“”„«»]*", first)
    if not word or first.endswith("?"):
        return None
    rest, said = first[word.end() :], word[1].casefold()
    separated = not rest.strip() or bool(re.match(r"\s*[:,.;!]\s*|\s+[-–—]+\s", rest))
    if (said in _DENY and (separated or rest[:1].isspace())) or (said in _DENIED and separated):
        return Deny(_reason([re.sub(r"^[\s:,.;!–—-]+", "", rest), *below]))
    return None


def _reason(lines: list[str]) -> str:
    """The lines above a closing formula."""
    return "\n".join(takewhile(lambda line: not closes(line), lines)).strip()[:_REASON]


def _doubtful(lines: list[str]) -> bool:
    words = {word for line in lines for word in re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", line.casefold())}
    labelled = bool(lines) and bool(re.match(r"[\w .-]{1,40}:\s*\S", lines[0]))  # a change that is not understood
    return labelled or bool(words & (_DOUBTS | _DENY | _DENIED)) or any("?" in line for line in lines)


def _changes(lines: list[str], fields: Collection[str]) -> tuple[tuple[str, str], ...]:
    """The leading lines that name an argument and its new value."""
    known = {_label(field): field for field in fields}
    changes: dict[str, str] = {}
    for line in lines:
        label, colon, value = line.partition(":")
        if not colon or _label(label) not in known:
            break
        changes[known[_label(label)]] = value.strip()
    return tuple(changes.items())


def _label(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", _bare(name))


def _edit(changes: tuple[tuple[str, str], ...], shown: list[str], approved: bool) -> Edit | None:
    below = shown[len(changes) + approved :]
    if any(not value or value.endswith("?") for _, value in changes):
        return None
    if below and not approved and _approves(below[0]):
        approved, below = True, below[1:]
    return None if _doubtful(below[:_LOOKED_AT]) else Edit(changes, approved)
