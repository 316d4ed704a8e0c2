"""The way to Slack's Web API: clients that neither wait nor repeat by themselves, and who Parley is there."""

import logging
import re
import threading
from collections.abc import Callable
from http.client import HTTPException
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.ports import Unavailable
from bot.settings import Settings, SettingsError
from channels.slack.translate import Me

log = logging.getLogger("parley.slack")

REFUSED = {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type"}
"""Answers to a token that another try does not change."""


def quiet() -> logging.Logger:
    """The logger of Slack's own libraries: silent, since their lines hold what people said; what matters we say ourselves."""
    logger = logging.getLogger("slack.library")
    logger.setLevel(logging.CRITICAL)
    return logger


def client(settings: Settings, *, seconds: int) -> WebClient:
    """A client that gives up after so many seconds and leaves every retry to its caller."""
    return WebClient(
        settings.slack_bot_token,
        base_url=settings.slack_api_url,
        timeout=seconds,
        retry_handlers=[],
        logger=quiet(),
    )


class Member(WebClient):
    """A client in one workspace of several. Tokens are exchanged and apps installed anew, so both are looked up for every call."""

    def __init__(self, find: Callable[[], str], me: Callable[[], Me], settings: Settings, *, seconds: int) -> None:
        super().__init__(base_url=settings.slack_api_url, timeout=seconds, retry_handlers=[], logger=quiet())
        self._find = find
        self.me = me

    @property
    def token(self) -> str | None:
        return self._find()

    @token.setter
    def token(self, _: str | None) -> None:
        """What the library was given at the start says nothing."""


def introduce(client: WebClient) -> Me:
    """Who Parley is in this workspace. Raises SettingsError for a token that Slack refuses, Unavailable when nobody answers."""
    if isinstance(client, Member):
        return client.me()
    try:
        told = client.auth_test()
    except SlackApiError as error:
        raise refusal(error, "SLACK_BOT_TOKEN") from None
    except (OSError, HTTPException) as error:
        raise Unavailable(f"Slack cannot be reached ({reason(error)})") from None
    return Me(
        team=str(told["team_id"]),
        user=str(told["user_id"]),
        bot=str(told.get("bot_id") or ""),
        enterprise=str(told.get("enterprise_id") or ""),
    )


class Introduced:
    """Who Parley is, asked once and then remembered, unless it may change; safe to ask from any thread."""

    def __init__(self, client: WebClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._me: Me | None = None

    def __call__(self) -> Me:
        if isinstance(self._client, Member):
            return introduce(self._client)
        with self._lock:
            self._me = self._me or introduce(self._client)
            return self._me


def patiently(step: Callable[[], object], stop: threading.Event, *, first: float = 1.0, most: float = 30.0) -> bool:
    """Do this as often as it takes while Slack is away, which is no reason to end. False: told to stop meanwhile."""
    pause = first
    while not stop.is_set():
        try:
            step()
        except Unavailable as error:
            log.warning("%s; trying again in %.0f s.", error, pause)
            stop.wait(pause)
            pause = min(pause * 2, most)
        else:
            return True
    return False


def refusal(error: SlackApiError, variable: str) -> SettingsError | Unavailable:
    """What a failed call says about a token: that it is wrong, or nothing yet."""
    code = code_of(error)
    if code in REFUSED:
        return SettingsError(f"{variable} is refused by Slack ({code}): copy it again from your Slack app's page.")
    return Unavailable(f"Slack is in trouble ({code})")


def code_of(error: SlackApiError) -> str:
    """Slack's name for what went wrong; whatever else stands in an answer is none."""
    told = str(error.response.get("error") if hasattr(error.response, "get") else "")
    return told if re.fullmatch(r"[a-z_]{1,80}", told) else "unknown_error"


def reason(error: Exception) -> str:
    """Why a connection failed, without the address in it."""
    cause = error.reason if isinstance(error, URLError) else error
    return type(cause).__name__ if isinstance(cause, BaseException) else str(cause)
