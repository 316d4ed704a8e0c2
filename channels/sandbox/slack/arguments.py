"""The arguments of a Web API call, whichever way they came: query, form or JSON."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from channels.sandbox.slack.errors import SlackError
from channels.sandbox.slack.roster import Json

T = TypeVar("T")


@dataclass(frozen=True)
class Arguments:
    values: Json

    @classmethod
    def read(cls, query: str, content_type: str, body: bytes) -> "Arguments":
        values: Json = dict(parse_qsl(query, keep_blank_values=True))
        if content_type.startswith("application/json"):
            return cls({**values, **_object(body)})
        return cls({**values, **dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))})

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str) -> str:
        """The argument as text; empty when it is missing."""
        value = self.values.get(name)
        return "" if value is None else str(value)

    def flag(self, name: str) -> bool:
        return str(self.values.get(name, "")).lower() in ("1", "true")

    def number(self, name: str, default: int) -> int:
        text = self.text(name)
        return int(text) if text.isdigit() and int(text) else default

    def json(self, name: str, refusal: str) -> Any:
        """An argument that holds JSON, as such or as text; SlackError(refusal) when it does not."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise SlackError(refusal) from None

    def page(self, items: Sequence[T], *, default: int) -> tuple[Sequence[T], str]:
        """One page of the items, and the cursor of the next (empty on the last)."""
        start = _offset(self.text("cursor"))
        end = start + min(self.number("limit", default), 1000)
        return items[start:end], _cursor(end) if end < len(items) else ""


def _object(body: bytes) -> Json:
    try:
        values = json.loads(body or b"{}")
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(values, dict):
        raise SlackError("json_not_object")
    return values


def _cursor(offset: int) -> str:
    return base64.b64encode(f"next:{offset}".encode()).decode()


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
    except (binascii.Error, ValueError):
        raise SlackError("invalid_cursor") from None
