"""Modals: what opens them, and the stack that each person has open."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from channels.sandbox.slack.blocks import checked_view
from channels.sandbox.slack.errors import SlackError
from channels.sandbox.slack.records import Records
from channels.sandbox.slack.roster import Installation, Json, fresh_id

TRIGGER_SECONDS = 3.0
DEEPEST_STACK = 3


@dataclass(frozen=True)
class Trigger:
    user: str
    until: float
    used: bool = False


class Modals:
    """Each user's stack is durable; a trigger lives three seconds, so it is not. `touched` gets whose stack changed."""

    def __init__(self, records: Records, app: Installation, *, touched: Callable[[str], None]) -> None:
        self._records = records
        self._app = app
        self._touched = touched
        self._triggers: dict[str, Trigger] = {}

    def trigger(self, user: str) -> str:
        id = f"{time.time_ns() // 1_000_000}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        now = time.monotonic()
        recent = {key: trigger for key, trigger in self._triggers.items() if now < trigger.until + 60}
        self._triggers = {**recent, id: Trigger(user, now + TRIGGER_SECONDS)}
        return id

    def redeem(self, trigger_id: str) -> str:
        """The user whom the trigger belongs to. It works once, and for three seconds."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if trigger.until < time.monotonic():
            raise SlackError("expired_trigger_id")
        self._triggers[trigger_id] = replace(trigger, used=True)
        return trigger.user

    def stack(self, user: str) -> list[Json]:
        """The views that this user has open, the topmost last."""
        return self._records.kept("modals", user) or []

    def find(self, view_id: str = "", external_id: str = "") -> tuple[str, Json]:
        """A view that is open, and whose it is."""
        for owner in self._records.all_kept("modal_owner"):
            for view in self.stack(owner):
                if view["id"] == view_id or (external_id and view["external_id"] == external_id):
                    return owner, view
        raise SlackError("not_found")

    def open(self, user: str, view: Json) -> Json:
        opened = self._made(checked_view(view))
        self._keep(user, [opened])
        return opened

    def push(self, user: str, view: Json) -> Json:
        stack = self.stack(user)
        if len(stack) >= DEEPEST_STACK:
            raise SlackError("push_limit_reached")
        below = {"root_view_id": stack[0]["id"], "previous_view_id": stack[-1]["id"]} if stack else {}
        pushed = {**self._made(checked_view(view)), **below}
        self._keep(user, [*stack, pushed])
        return pushed

    def update(self, view_id: str, view: Json, *, external_id: str = "", hash: str = "") -> Json:
        owner, old = self.find(view_id, external_id)
        if hash and hash != old["hash"]:
            raise SlackError("hash_conflict")
        place = {key: old[key] for key in ("id", "root_view_id", "previous_view_id")}
        updated = {**self._made(checked_view(view)), **place}
        self._keep(owner, [updated if open["id"] == old["id"] else open for open in self.stack(owner)])
        return updated

    def remove(self, user: str, view_id: str) -> None:
        self._keep(user, [view for view in self.stack(user) if view["id"] != view_id])

    def clear(self, user: str) -> None:
        self._keep(user, [])

    def publish(self, user: str, view: Json) -> Json:
        """The app's Home tab for this user."""
        if view.get("type") != "home":
            raise SlackError("invalid_arguments", "[ERROR] type must be home [json-pointer:/view/type]")
        home = self._made(checked_view(view))
        self._records.keep("home", user, home)
        self._touched(user)
        return home

    def _keep(self, user: str, stack: Sequence[Json]) -> None:
        with self._records.change():
            self._records.keep("modal_owner", user, user)
            self._records.keep("modals", user, list(stack))
        self._touched(user)

    def _made(self, view: Json) -> Json:
        """https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload, the view's own part."""
        id = fresh_id("V0")
        return {
            "id": id,
            "team_id": self._app.team,
            "type": view["type"],
            "blocks": view["blocks"],
            "private_metadata": view.get("private_metadata", ""),
            "callback_id": view.get("callback_id", ""),
            "state": {"values": {}},
            "hash": f"{int(time.time())}.{secrets.token_hex(4)}",
            "title": view.get("title"),
            "clear_on_close": view.get("clear_on_close", False),
            "notify_on_close": view.get("notify_on_close", False),
            "close": view.get("close"),
            "submit": view.get("submit"),
            "previous_view_id": None,
            "root_view_id": id,
            "app_id": self._app.app,
            "external_id": view.get("external_id", ""),
            "app_installed_team_id": self._app.team,
            "bot_id": self._app.bot,
        }
