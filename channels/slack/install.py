"""Installing by OAuth: the way to Slack's page of consent, and what comes back from there.

https://docs.slack.dev/authentication/installing-with-oauth
"""

import logging
from collections.abc import Callable, Sequence
from html import escape
from http.client import HTTPException

from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.oauth import OAuthFlow
from slack_bolt.oauth.callback_options import CallbackOptions, FailureArgs, SuccessArgs
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_sdk import WebClient

from bot.ports import Unavailable, Vault
from bot.settings import Settings, SettingsError
from channels.slack.connection import quiet
from channels.slack.installations import States
from channels.slack.manifest import scopes
from channels.slack.workspaces import installations_of

log = logging.getLogger("parley.slack")

SECONDS = 10  # for one answer of Slack's; a person is waiting
INSTALL, REDIRECT = "/slack/install", "/slack/oauth_redirect"

REASONS = {
    "access_denied": "It was not installed: somebody said no on Slack's page.",
    "invalid_browser": "This did not begin here, or in another browser.",
    "invalid_state": "This took too long, or was done already.",
    "invalid_code": "Slack does not take its own code any more, or SLACK_CLIENT_ID and SLACK_CLIENT_SECRET do not fit it.",
}


class Installing:
    """The two pages of an installation, as Bolt answers them."""

    def __init__(self, settings: Settings, vault: Vault) -> None:
        """Raises SettingsError where BOT_SECRET, which seals the tokens, is not set."""
        self._flow = OAuthFlow(
            client=WebClient(base_url=settings.slack_api_url, timeout=SECONDS, retry_handlers=[], logger=quiet()),
            logger=quiet(),
            settings=OAuthSettings(
                client_id=settings.slack_client_id,
                client_secret=settings.slack_client_secret,
                scopes=scopes(),
                user_scopes=[],
                redirect_uri=f"{settings.public_url.rstrip('/')}{REDIRECT}" if settings.public_url else None,
                install_page_rendering_enabled=False,
                callback_options=CallbackOptions(success=_installed, failure=_failed),
                authorization_url=f"{settings.slack_api_url.removesuffix('api/')}oauth/v2/authorize",
                installation_store=installations_of(settings, vault),
                state_store=States(vault),
                logger=quiet(),
            ),
        )

    def begin(self, request: BoltRequest) -> BoltResponse:
        """Send the browser to Slack, with a state that only it knows."""
        return _answered(self._flow.handle_installation, request)

    def finish(self, request: BoltRequest) -> BoltResponse:
        """Exchange the code that Slack sent along for tokens, and keep them."""
        return _answered(self._flow.handle_callback, request)


def _answered(step: Callable[[BoltRequest], BoltResponse], request: BoltRequest) -> BoltResponse:
    try:
        return step(request)
    except (Unavailable, OSError, HTTPException) as error:
        log.warning("an installation failed (%s)", type(error).__name__)
        return _page(503, "Slack or Parley's store does not answer at present.")
    except SettingsError as error:
        log.error("an installation failed: %s", error)
        return _page(500, "Parley is not set up for this; its operators find out why in the log.")


def _installed(arguments: SuccessArgs) -> BoltResponse:
    made = arguments.installation
    log.info("installed in workspace %s", made.team_id or made.enterprise_id)
    where = escape(made.team_name or made.enterprise_name or "your workspace")
    words = f"Parley is in {where}. Invite it to a channel with /invite @parley, or write to it directly."
    return _page(200, words, arguments, again=False)


def _failed(arguments: FailureArgs) -> BoltResponse:
    log.warning("an installation failed (%s)", arguments.reason if arguments.reason in REASONS else "refused")
    words = REASONS.get(arguments.reason, "Slack did not install it.")
    return _page(arguments.suggested_status_code, words, arguments)


def _page(
    status: int, words: str, arguments: SuccessArgs | FailureArgs | None = None, *, again: bool = True
) -> BoltResponse:
    """A page of one sentence. The state is spent, so its cookie goes."""
    body = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Parley</title><p>{words}</p>'
    if again:
        body += f'<p><a href="{INSTALL}">Try again</a></p>'
    headers: dict[str, str | Sequence[str]] = {"content-type": "text/html; charset=utf-8"}
    if arguments:
        headers["set-cookie"] = [arguments.settings.state_utils.build_set_cookie_for_deletion()]
    return BoltResponse(status=status, body=body, headers=headers)
