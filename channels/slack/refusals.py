"""What Slack's refusals and a broken connection mean for a delivery: wait, look whether it is there, or never, and what to do about it."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from urllib.error import URLError

from slack_sdk.errors import SlackApiError

from bot.ports import Doubtful, Unavailable, Undelivered
from bot.settings import SettingsError
from channels.slack.address import Address
from channels.slack.connection import code_of, reason

AGAIN = 5.0  # seconds until another try where Slack does not name a time

UNSURE = {"internal_error", "fatal_error", "request_timeout", "service_unavailable", "unknown_error"}
"""Failures after which a message may be there all the same."""

MENDS = {
    "not_in_channel": "Parley is not in {where}: invite it with /invite @parley.",
    "channel_not_found": "Slack has no {where} that Parley may see: invite it there with /invite @parley, or correct bot.toml.",
    "is_archived": "{where} is archived: name another channel in bot.toml.",
    "user_not_found": "Slack has no user {where}: correct bot.toml.",
    "cannot_dm_bot": "{where} is an app and cannot be asked: correct bot.toml.",
    "user_disabled": "{where} has left Slack: correct bot.toml.",
    "invalid_auth": "Slack refuses SLACK_BOT_TOKEN: copy it again from your Slack app's page.",
    "token_revoked": "SLACK_BOT_TOKEN was revoked: install the app again and copy the new token.",
    "account_inactive": "SLACK_BOT_TOKEN belongs to an app that was removed: install it again and copy the new token.",
    "missing_scope": "The Slack app lacks a scope for {where}: update it from channels/slack/manifest.json and install it again.",
    "restricted_action": "The workspace does not let Parley post in {where}: ask its administrators.",
    "thread_not_found": "The Slack thread is gone, so nothing can be written there.",
    "message_not_found": "The Slack message is gone, so it cannot be brought up to date.",
}


@contextmanager
def calling(address: Address) -> Iterator[None]:
    """What Slack's refusals and a broken connection mean for a delivery, as Undelivered or Doubtful."""
    try:
        yield
    except SlackApiError as error:
        raise _refused(error, address) from None
    except SettingsError as error:
        raise Undelivered(str(error)) from None
    except Unavailable as error:
        raise Undelivered(f"{error}.", AGAIN) from None
    except (OSError, HTTPException) as error:
        raise _broken(error) from None


def _refused(error: SlackApiError, address: Address) -> Undelivered | Doubtful:
    """What an answer of Slack's means: wait, nobody knows, or never, with a sentence for the operators."""
    code, status = code_of(error), getattr(error.response, "status_code", 200)
    if status == 429 or code in ("ratelimited", "rate_limited"):
        return Undelivered("Slack asks us to write more slowly.", _retry_after(error))
    if status >= 500 or code in UNSURE:
        return Doubtful(f"Slack was in trouble ({code})")
    where = address.channel if address.channel.startswith(("#", "@")) else f"channel {address.channel}"
    mend = MENDS.get(code, "Slack refuses a message to {where} ({code}).")
    return Undelivered(mend.format(where=where, code=code))


def _retry_after(error: SlackApiError) -> float:
    headers = {name.lower(): value for name, value in dict(error.response.headers).items()}
    try:
        return max(1.0, float(headers.get("retry-after", AGAIN)))
    except (TypeError, ValueError):
        return AGAIN


def _broken(error: OSError | HTTPException) -> Undelivered | Doubtful:
    """A connection that never was has sent nothing; one that broke may have."""
    cause = error.reason if isinstance(error, URLError) else error
    unreached = isinstance(cause, ConnectionRefusedError | socket.gaierror) or (
        isinstance(cause, OSError) and cause.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH)
    )
    if unreached:
        return Undelivered(f"Slack cannot be reached ({reason(error)}).", AGAIN)
    return Doubtful(f"the connection to Slack broke ({reason(error)})")
