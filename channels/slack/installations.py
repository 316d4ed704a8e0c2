"""Who installed Parley: a sealed record for each workspace or organisation, and the list of them, in the vault.

https://docs.slack.dev/authentication/installing-with-oauth
"""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from slack_sdk.oauth import InstallationStore, OAuthStateStore
from slack_sdk.oauth.installation_store import Bot, Installation

from bot.ports import Unavailable, Vault
from channels.slack.seal import Seal

NOBODY = "-"  # stands for an organisation or a workspace that a record does not name
LOCKED = 30.0  # seconds after which a lock of somebody who died is free again
PATIENCE = 2.0  # seconds to wait for a lock
STATE = 600  # seconds that an installer may take between the two pages


class Installations(InstallationStore):
    """Records by workspace. One of an organisation stands for each of its workspaces that has no record of its own. Raises Unavailable.

    Another BOT_SECRET begins with an empty list, and finds what it kept when it is set again.
    """

    def __init__(self, vault: Vault, seal: Seal) -> None:
        self.vault = vault
        self._seal = seal
        self._prefix = f"slack/installed/{seal.mark}"

    def save(self, installation: Installation) -> None:
        """Keep a record, in place of an earlier one."""
        name = _name(installation.enterprise_id, installation.team_id)
        content = json.dumps(installation.to_dict_for_copying(), default=datetime.isoformat)
        self._put(name, content)
        with self._list_to_change() as listed:
            listed[installation.team_id or installation.enterprise_id or NOBODY] = name

    def find_installation(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,
        is_enterprise_install: bool | None = False,
    ) -> Installation | None:
        """The record of a workspace, or of its organisation. The organisation matters only until the workspace has been heard of once."""
        listed = self.listed()
        name = listed.get(team_id or "") or listed.get(enterprise_id or "")
        if name and team_id and team_id not in listed:
            with self._list_to_change() as changed:
                changed.setdefault(team_id, name)
        content = self._get(name) if name else None
        return Installation(**json.loads(content)) if content else None

    def find_bot(
        self, *, enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None = False
    ) -> Bot | None:
        found = self.find_installation(enterprise_id=enterprise_id, team_id=team_id)
        return found.to_bot() if found else None

    def delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        """Forget a workspace, or an organisation and every workspace that it stood for."""
        gone = _name(enterprise_id, team_id)
        with self._list_to_change() as listed:
            for place in [place for place, name in listed.items() if name == gone or place == team_id]:
                del listed[place]
        self.vault.delete(self._kept(gone))

    def delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        """The same: Parley holds no tokens of people."""
        self.delete_installation(enterprise_id=enterprise_id, team_id=team_id)

    def unlist(self, team: str) -> None:
        """Its organisation's record no longer stands for this workspace."""
        with self._list_to_change() as listed:
            listed.pop(team, None)

    def listed(self) -> dict[str, str]:
        """Every workspace and organisation, and the name of the record that stands for it."""
        content = self._get("")
        listed: dict[str, str] = json.loads(content) if content else {}
        return listed

    @contextmanager
    def alone(self, what: str) -> Iterator[bool]:
        """Nobody else does this meanwhile, in any process. False: somebody does, and is not done within seconds."""
        until, token = time.monotonic() + PATIENCE, self.vault.lock(what, LOCKED)
        while token is None and time.monotonic() < until:
            time.sleep(0.05)
            token = self.vault.lock(what, LOCKED)
        try:
            yield token is not None
        finally:
            if token:
                self.vault.unlock(what, token)

    @contextmanager
    def _list_to_change(self) -> Iterator[dict[str, str]]:
        with self.alone(self._prefix) as mine:
            if not mine:
                raise Unavailable("The list of Slack's workspaces is being changed by somebody else")
            listed = self.listed()
            before = dict(listed)
            yield listed
            if listed != before:
                self._put("", json.dumps(listed))

    def _put(self, name: str, content: str) -> None:
        self.vault.put(self._kept(name), self._seal.close(self._kept(name), content.encode()))

    def _get(self, name: str) -> bytes | None:
        closed = self.vault.get(self._kept(name))
        return None if closed is None else self._seal.open(self._kept(name), closed)

    def _kept(self, name: str) -> str:
        """Where a record is kept; an empty name stands for the list."""
        return f"{self._prefix}/{name}" if name else self._prefix


class States(OAuthStateStore):
    """What tells an installation that began on our page from one that somebody else began; good once, and for ten minutes."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def issue(self, *args: Any, **kwargs: Any) -> str:
        state = secrets.token_urlsafe(32)
        self._vault.put(f"slack/state/{state}", b"", STATE)
        return state

    def consume(self, state: str) -> bool:
        """True the first time. The lock is never given back: of two who come at once, one has it."""
        name = f"slack/state/{state}"
        return self._vault.get(name) is not None and self._vault.lock(name, STATE) is not None


def _name(enterprise_id: str | None, team_id: str | None) -> str:
    return f"{enterprise_id or NOBODY}/{team_id or NOBODY}"
