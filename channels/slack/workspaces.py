"""Which workspaces Parley is in: the one of SLACK_BOT_TOKEN, and those that installed it by themselves. A client for each."""

import logging
import time
from http.client import HTTPException

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackTokenRotationError
from slack_sdk.oauth.installation_store import Installation
from slack_sdk.oauth.token_rotation import TokenRotator

from bot.ports import Unavailable, Vault
from bot.settings import Settings, SettingsError
from channels.slack.connection import Introduced, Member, client, code_of, quiet
from channels.slack.installations import Installations
from channels.slack.seal import Seal
from channels.slack.translate import Me

log = logging.getLogger("parley.slack")

EARLY = 120  # minutes before its end in which a token is exchanged for the next
SPENT = {"invalid_refresh_token", "token_revoked", "token_expired", "invalid_auth", "account_inactive"}
"""Refusals to exchange a token that another try does not change."""


class Workspaces:
    """Clients by workspace, which give up after ``seconds``. Safe to use from any thread; several processes may share one vault."""

    def __init__(self, settings: Settings, vault: Vault, *, seconds: int) -> None:
        self._settings = settings
        self._seconds = seconds
        self._own = client(settings, seconds=seconds)
        self._i = Introduced(self._own)
        self.installations = installations_of(settings, vault) if settings.slack_installable else None

    def __call__(self, team: str) -> WebClient:
        """The client for a workspace; an empty name is home. Whether Parley is there at all shows with the first call."""
        if self.installations is None:
            return self._own
        known = self.installations
        return Member(
            lambda: self._token(known, team), lambda: self._me(known, team), self._settings, seconds=self._seconds
        )

    @property
    def several(self) -> bool:
        """Whether there may be more than one."""
        return self.installations is not None

    def check(self) -> None:
        """Raises SettingsError for a SLACK_BOT_TOKEN that Slack refuses, Unavailable while nobody answers."""
        if self._settings.slack_bot_token:
            self._i()

    def leave(self, team: str, enterprise: str, at: float, *, whole: bool) -> None:
        """Parley was removed from a workspace, or (``whole``) from an organisation, at this time; what was installed later stays."""
        if self.installations is None:
            return
        found = self.installations.find_installation(enterprise_id=enterprise, team_id=team)
        if found is None or int(found.installed_at) > at:  # Slack tells whole seconds
            return
        if found.team_id or whole:
            self.installations.delete_installation(enterprise_id=found.enterprise_id, team_id=found.team_id)
        else:
            self.installations.unlist(team)

    def know(self, team: str, enterprise: str) -> bool:
        """Whether Parley is in this workspace, of this organisation. Raises Unavailable when nobody can tell now."""
        if self.installations is None:
            return True
        if self.installations.find_installation(enterprise_id=enterprise, team_id=team):
            return True
        return self._is_own(team)

    def _is_own(self, team: str) -> bool:
        """Whether it is the workspace of SLACK_BOT_TOKEN."""
        return bool(self._settings.slack_bot_token) and team in ("", self._i().team)

    def _token(self, known: Installations, team: str) -> str:
        """The token for now. Raises SettingsError where Parley is not, Unavailable when nobody can tell."""
        found = self._found(known, team)
        if found is None:
            return self._settings.slack_bot_token
        return self._fresh(known, found).bot_token or ""

    def _me(self, known: Installations, team: str) -> Me:
        found = self._found(known, team)
        if found is None:
            return self._i()
        return Me(
            team=team or found.team_id or "",
            user=found.bot_user_id or "",
            bot=found.bot_id or "",
            enterprise=found.enterprise_id or "",
            home=not self._settings.slack_bot_token and len(set(known.listed().values())) == 1,
        )

    def _found(self, known: Installations, team: str) -> Installation | None:
        """The record for a workspace; None: it is the one of SLACK_BOT_TOKEN."""
        named = team or ("" if self._settings.slack_bot_token else _only(known))
        if named and (found := known.find_installation(enterprise_id=None, team_id=named)):
            return found
        if self._is_own(team):
            return None
        raise SettingsError(
            f"Parley is not installed in the Slack workspace {team}: install it there at /slack/install, "
            "or set the BOT_SECRET with which it was."
        )

    def _fresh(self, known: Installations, found: Installation) -> Installation:
        """A record whose token lasts; exchanged by one process at a time, since each token to do so is good once."""
        if _lasts(found, EARLY * 60):
            return found
        with known.alone(f"slack/exchange/{found.enterprise_id}/{found.team_id}") as mine:
            again = known.find_installation(enterprise_id=found.enterprise_id, team_id=found.team_id) or found
            if _lasts(again, EARLY * 60 if mine else 0):
                return again
            if not mine:
                raise Unavailable("Slack's token is being exchanged by somebody else")
            return self._exchanged(known, again)

    def _exchanged(self, known: Installations, found: Installation) -> Installation:
        own = self._settings
        rotator = TokenRotator(
            client_id=own.slack_client_id, client_secret=own.slack_client_secret, client=self._asking()
        )
        try:
            fresh = rotator.perform_token_rotation(installation=found, minutes_before_expiration=EARLY)
        except (SlackTokenRotationError, OSError, HTTPException) as error:
            return _as_it_is(found, error)
        now = known.find_installation(enterprise_id=found.enterprise_id, team_id=found.team_id)
        if fresh is None or now is None or now.installed_at != found.installed_at:  # removed or made anew meanwhile
            return now or found
        known.save(fresh)
        log.info("Slack's token for workspace %s was exchanged", found.team_id or found.enterprise_id)
        return fresh

    def _asking(self) -> WebClient:
        return WebClient(
            base_url=self._settings.slack_api_url, timeout=self._seconds, retry_handlers=[], logger=quiet()
        )


def installations_of(settings: Settings, vault: Vault) -> Installations:
    """The records of everybody who installed Parley. Raises SettingsError where BOT_SECRET, which seals them, is not set."""
    settings.require("BOT_SECRET")
    return Installations(vault, Seal(settings.secret))


def _only(known: Installations) -> str:
    """The one workspace there is. Raises SettingsError where an address must name one."""
    listed = known.listed()
    if len(set(listed.values())) > 1:
        raise SettingsError(
            "Parley is in several Slack workspaces: write T1/#ops and T1/U02ANA in bot.toml, not #ops and U02ANA."
        )
    if not listed:
        raise SettingsError("Parley is in no Slack workspace yet: install it at /slack/install.")
    return next(iter(listed))


def _lasts(found: Installation, seconds: float) -> bool:
    return found.bot_token_expires_at is None or found.bot_token_expires_at > time.time() + seconds


def _as_it_is(found: Installation, error: Exception) -> Installation:
    """What could not be exchanged serves until its end. Raises SettingsError or Unavailable after that."""
    cause = error.api_error if isinstance(error, SlackTokenRotationError) else None
    code = code_of(cause) if isinstance(cause, SlackApiError) else type(error).__name__
    log.warning("Slack did not exchange the token for workspace %s (%s)", found.team_id or found.enterprise_id, code)
    if _lasts(found, 0):
        return found
    if code in SPENT:
        raise SettingsError(
            f"Slack no longer renews the token of workspace {found.team_id}: install Parley again at /slack/install."
        )
    raise Unavailable(f"Slack did not exchange a token ({code})")
