"""Bytes of any charset, declared rightly or not, as clean text."""

import base64
import binascii
import codecs
import quopri
import re
from itertools import groupby

# What mailers write, and the superset they mean.
_ALIASES = {
    "": "utf-8",
    "8bit": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "ascii": "utf-8",
    "big5": "big5hkscs",
    "binary": "utf-8",
    "default": "utf-8",
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso-8859-1": "cp1252",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-9": "cp1254",
    "ks_c_5601-1987": "cp949",
    "latin1": "cp1252",
    "macintosh": "mac_roman",
    "shift_jis": "cp932",
    "sjis": "cp932",
    "unicode-1-1-utf-7": "utf-7",
    "unknown": "utf-8",
    "unknown-8bit": "utf-8",
    "us-ascii": "utf-8",
    "utf8mb4": "utf-8",
    "windows-31j": "cp932",
    "windows-874": "cp874",
    "x-gbk": "gb18030",
    "x-mac-roman": "mac_roman",
    "x-sjis": "cp932",
    "x-unknown": "utf-8",
}
# Text codecs of Python that no mail means, and that are slow or that reinterpret backslashes.
_NOT_CHARSETS = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"}

_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?([^?]{0,4000})\?=")
_CONTROLS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufff9-\ufffb]"
)


def decode(data: bytes, declared: str = "") -> str:
    """The text that these bytes most likely are. Never raises.

    Tried in turn: the declared charset (or what its name is commonly used for), UTF-8, Windows-1252, Latin-1.
    """
    charset = _codec(declared)
    for candidate in dict.fromkeys([charset, "utf-8"]):
        text = _strictly(data, candidate)
        if text is not None:
            return text
    return _mostly(data, charset) or _strictly(data, "cp1252") or data.decode("latin-1")


def clean(text: str) -> str:
    """Text with plain line ends and plain spaces, without control, zero-width and direction-overriding characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
    return _CONTROLS.sub("", text.replace("\u00a0", " ").replace("\u202f", " "))


def words(value: str) -> str:
    """A header's value with its encoded words (RFC 2047) decoded, on one line. Never raises."""
    pieces: list[tuple[str, bytes | str]] = []
    end = 0
    for match in _ENCODED_WORD.finditer(value):
        between = value[end : match.start()]
        if between.strip() or not end:
            pieces.append(("", between))
        pieces.append((match[1].split("*")[0].lower(), _unwrapped(match[2], match[3])))
        end = match.end()
    pieces.append(("", value[end:]))
    return " ".join(clean("".join(_joined(pieces))).split())


def header(value: str) -> str:
    """A header's value as the parser left it (raw bytes as surrogates), as text."""
    return decode(value.encode("utf-8", "surrogateescape")) if not value.isascii() else value


def _codec(declared: str) -> str:
    name = declared.strip().strip("'\"").split(";")[0].strip().lower()
    name = _ALIASES.get(name, name)
    try:
        found = codecs.lookup(name).name.replace("-", "_")
    except (LookupError, ValueError):
        return "utf-8"
    return "utf-8" if found in _NOT_CHARSETS else name


def _strictly(data: bytes, charset: str) -> str | None:
    try:
        # Not final: a text cut off within a character is still that text.
        return codecs.getincrementaldecoder(charset)().decode(data)
    except (UnicodeError, LookupError, ValueError):
        pass
    try:
        return data.decode(charset)
    except (UnicodeError, LookupError, ValueError):
        return None


def _mostly(data: bytes, charset: str) -> str | None:
    """A text of which only a few bytes were damaged; None when it is rather another charset."""
    try:
        text = data.decode(charset, "replace")
    except (UnicodeError, LookupError, ValueError):
        return None
    damaged = text.count("\ufffd")
    return text if damaged * 10 < sum(char > "\x7f" for char in text) else None


def _unwrapped(encoding: str, payload: str) -> bytes:
    data = payload.encode("utf-8", "replace")
    if encoding in "qQ":
        return quopri.decodestring(data.replace(b"_", b"=20"), header=False)
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4))
    except (binascii.Error, ValueError):
        return data


def _joined(pieces: list[tuple[str, bytes | str]]) -> list[str]:
    """Neighbouring words of one charset are decoded together: some mailers split within a character."""
    texts = []
    for charset, group in groupby(pieces, key=lambda piece: piece[0]):
        values = [value for _, value in group]
        if charset:
            texts.append(decode(b"".join(value for value in values if isinstance(value, bytes)), charset))
        else:
            texts.extend(value for value in values if isinstance(value, str))
    return texts
