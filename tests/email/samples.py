"""Mails for the tests, written down as shortly as possible."""

from collections.abc import Mapping


def raw(body: str = "Hello", /, headers: Mapping[str, str] | None = None, **named: str) -> bytes:
    """A mail as bytes; `reply_to="…"` becomes the header Reply-To."""
    fields = {"From": "Ana Diaz <ana@example.com>", "To": "parley@example.com", "Subject": "api is slow"}
    fields |= {"Message-ID": "<m1@example.com>", "MIME-Version": "1.0", "Content-Type": "text/plain; charset=utf-8"}
    fields |= dict(headers or {}) | {name.strip("_").replace("_", "-").title(): value for name, value in named.items()}
    merged = {name.lower(): (name, value) for name, value in fields.items()}
    head = "".join(f"{name}: {value}\n" for name, value in merged.values() if value)
    return f"{head}\n{body}".replace("\n", "\r\n").encode()


def multipart(*parts: str, kind: str = "mixed", extra: str = "", **named: str) -> bytes:
    """A multipart mail; each part is its header lines, a blank line and its body."""
    body = "".join(f"--edge\n{part}\n" for part in parts) + "--edge--\n"
    return raw(body, None, content_type=f"multipart/{kind}; boundary=edge{extra}", **named)


def html(body: str, **named: str) -> bytes:
    """A mail that is HTML alone."""
    return raw(body, None, content_type="text/html; charset=utf-8", **named)
