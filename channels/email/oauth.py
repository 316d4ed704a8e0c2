"""Logging in without a password: a standing permission of the mailbox's owner, exchanged for short-lived tokens (RFC 6749, section 6)."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from bot.settings import Settings

_EARLY = 120.0  # seconds before its end that a token is not used any more
_SECONDS = 20.0


class GrantRefused(Exception):
    """The provider does not honour the permission any more; the text says what to do."""


class GrantUnavailable(Exception):
    """The provider cannot be asked now."""


@dataclass
class Grant:
    """The permission; `token` is good for one login after the other until it ends."""

    token_url: str
    client_id: str
    refresh_token: str
    client_secret: str = ""
    scope: str = ""
    clock: Callable[[], float] = time.monotonic
    _token: str = field(default="", repr=False)
    _until: float = 0.0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    async def token(self) -> str:
        """An access token. Raises GrantRefused or GrantUnavailable."""
        return await asyncio.to_thread(self._fresh)

    def forget(self) -> None:
        """The mail server did not take the token; the next one is a new one."""
        self._until = 0.0

    def _fresh(self) -> str:
        with self._guard:
            if self.clock() >= self._until:
                answer = _asked(self.token_url, self._request())
                self._token = str(answer["access_token"])
                self._until = self.clock() + _seconds(answer) - _EARLY
                # Some providers replace the permission with every use; the one in the settings stays valid for a while.
                self.refresh_token = str(answer.get("refresh_token") or self.refresh_token)
            return self._token

    def _request(self) -> Mapping[str, str]:
        wanted = {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "refresh_token": self.refresh_token,
            "client_secret": self.client_secret,
            "scope": self.scope,
        }
        return {name: value for name, value in wanted.items() if value}


def grant_of(settings: Settings) -> Grant | None:
    """The permission that the settings name; None where passwords are used. Raises SettingsError for half of one."""
    if not settings.email_oauth_token_url:
        return None
    settings.require("EMAIL_OAUTH_CLIENT_ID", "EMAIL_OAUTH_REFRESH_TOKEN")
    return Grant(
        settings.email_oauth_token_url,
        settings.email_oauth_client_id,
        settings.email_oauth_refresh_token,
        settings.email_oauth_client_secret,
        settings.email_oauth_scope,
    )


def _asked(url: str, request: Mapping[str, str]) -> Mapping[str, Any]:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    try:
        # The settings check that it is an HTTP address.
        with urlopen(Request(url, urlencode(request).encode(), headers), timeout=_SECONDS) as answer:  # noqa: S310
            found = json.loads(answer.read(1_000_000))
    except HTTPError as problem:
        if problem.code in (400, 401, 403):
            raise GrantRefused(
                "the provider does not honour EMAIL_OAUTH_REFRESH_TOKEN: check EMAIL_OAUTH_CLIENT_ID and _SECRET, "
                "or let the mailbox's owner consent again"
            ) from None
        raise GrantUnavailable(f"the provider's token server answers {problem.code}") from None
    except (OSError, ValueError) as problem:
        raise GrantUnavailable(f"the provider's token server could not be asked ({type(problem).__name__})") from None
    if not isinstance(found, dict) or not found.get("access_token"):
        raise GrantUnavailable("the provider's token server answers without a token")
    return found


def _seconds(answer: Mapping[str, Any]) -> float:
    try:
        return float(answer.get("expires_in", 3_600))
    except (TypeError, ValueError):
        return 3_600.0
