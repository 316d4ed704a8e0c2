"""What people press, fill in and invoke: told to the app while they wait three seconds for it to acknowledge."""

from collections.abc import Sequence
from typing import Any

from channels.sandbox.slack import interactions
from channels.sandbox.slack.blocks import interactive, visible
from channels.sandbox.slack.conversations import Conversations
from channels.sandbox.slack.errors import SlackError, Unacknowledged
from channels.sandbox.slack.inputs import chosen, state_values, unfilled
from channels.sandbox.slack.modals import Modals
from channels.sandbox.slack.outbox import Line
from channels.sandbox.slack.response_urls import ResponseUrls
from channels.sandbox.slack.roster import Installation, Json, User

GONE = "That is no longer there."
TROUBLE = "The app did not respond. Try again."


class Interactivity:
    """Every answer is `{"ok": bool}`, with an `error` for people when the app did not acknowledge. Nothing is retried."""

    def __init__(
        self,
        conversations: Conversations,
        modals: Modals,
        response_urls: ResponseUrls,
        app: Installation,
        line: Line,
        respond_at: str,
    ) -> None:
        self._conversations = conversations
        self._modals = modals
        self._response_urls = response_urls
        self._app = app
        self._line = line
        self.respond_at = respond_at

    async def click(
        self,
        user: User,
        channel: str,
        ts: str,
        block_id: str,
        action_id: str,
        *,
        choice: str = "",
    ) -> Json:
        """Press a button, or choose: an option by its value, a date, a user."""
        message = self._conversations.message(channel, ts, user.id)
        if (found := _element(message.get("blocks", []), user, block_id, action_id)) is None:
            return {"ok": False, "error": GONE}
        block, element = found
        action = _action(block, element, choice)
        payload = interactions.message_clicked(
            user,
            self._app,
            conversation=self._conversations.get(channel),
            message=message,
            is_ephemeral=ts in self._conversations.ephemerals(channel, user.id),
            action=action,
            values=state_values(message["blocks"], {block_id: {action_id: action}} if choice else {}),
            trigger_id=self._modals.trigger(user.id),
            response_url=self._response_url(user, channel, ts=ts, thread_ts=message.get("thread_ts")),
        )
        return await self._tell("interactive", payload)

    async def press(self, user: User, view: Json | None, block_id: str, action_id: str, *, choice: str = "") -> Json:
        """Press a button or choose on the Home tab."""
        found = _element(view["blocks"], user, block_id, action_id) if view else None
        if view is None or found is None:
            return {"ok": False, "error": GONE}
        action = _action(*found, choice)
        payload = interactions.home_clicked(
            user,
            self._app,
            view=view,
            action=action,
            values=state_values(view["blocks"], {block_id: {action_id: action}} if choice else {}),
            trigger_id=self._modals.trigger(user.id),
        )
        return await self._tell("interactive", payload)

    async def submit(self, user: User, view_id: str, values: Json) -> Json:
        """Send a modal. `errors` (by block id) are shown at their inputs, and the modal stays open."""
        view = self._open_view(user, view_id)
        state = state_values(view["blocks"], values)
        if errors := unfilled(view, state):
            return {"ok": False, "errors": errors}
        submitted = {**view, "state": {"values": state}}
        payload = interactions.view_submitted(user, self._app, view=submitted, trigger_id=self._modals.trigger(user.id))
        try:
            answer = await self._line.carry("interactive", payload)
            return self._after_submission(user, view, answer)
        except (Unacknowledged, SlackError):
            return {"ok": False, "error": TROUBLE}

    def _after_submission(self, user: User, view: Json, answer: Json) -> Json:
        """https://docs.slack.dev/surfaces/modals#response_actions"""
        match answer.get("response_action"):
            case None:
                self._modals.remove(user.id, view["id"])
            case "clear":
                self._modals.clear(user.id)
            case "update":
                self._modals.update(view["id"], answer.get("view") or {})
            case "push":
                self._modals.push(user.id, answer.get("view") or {})
            case "errors" if _fits(view, answer.get("errors")):
                return {"ok": False, "errors": answer["errors"]}
            case _:
                raise SlackError("invalid_arguments")
        return {"ok": True}

    async def close(self, user: User, view_id: str) -> Json:
        view = self._open_view(user, view_id)
        if view["clear_on_close"]:
            self._modals.clear(user.id)
        else:
            self._modals.remove(user.id, view_id)
        if view["notify_on_close"]:
            payload = interactions.view_closed(user, self._app, view=view, is_cleared=view["clear_on_close"])
            await self._tell("interactive", payload)
        return {"ok": True}

    async def shortcut(self, user: User, channel: str, ts: str, callback_id: str) -> Json:
        """Use a message shortcut."""
        message = self._conversations.message(channel, ts)
        payload = interactions.message_shortcut(
            user,
            self._app,
            conversation=self._conversations.get(channel),
            message=message,
            callback_id=callback_id,
            trigger_id=self._modals.trigger(user.id),
            response_url=self._response_url(user, channel, thread_ts=message.get("thread_ts")),
        )
        return await self._tell("interactive", payload)

    async def command(self, user: User, channel: str, command: str, text: str) -> Json:
        """Use a slash command; what the app answers at once only this user sees, unless it says `in_channel`."""
        payload = interactions.slash_command(
            user,
            self._app,
            conversation=self._conversations.get(channel),
            command=command,
            text=text,
            trigger_id=self._modals.trigger(user.id),
            response_url=self._response_url(user, channel),
        )
        try:
            answer = await self._line.carry("slash_commands", payload)
        except Unacknowledged:
            return {"ok": False, "error": TROUBLE}
        self.answer(user.id, channel, answer)
        return {"ok": True}

    def answer(self, user: str, channel: str, answer: Json, thread_ts: str | None = None) -> None:
        """Show what the app answered to an interaction, in the channel or to this user only."""
        more = {"blocks": answer["blocks"]} if answer.get("blocks") else {}
        if not answer.get("text") and not more:
            return
        if answer.get("response_type") == "in_channel":
            author = self._app.as_user()
            self._conversations.say(channel, author, answer.get("text", ""), thread_ts=thread_ts, **more)
        else:
            self._conversations.whisper(channel, user, answer.get("text", ""), thread_ts=thread_ts, **more)

    def _response_url(self, user: User, channel: str, *, ts: str = "", thread_ts: str | None = None) -> str:
        return f"{self.respond_at}/{self._response_urls.issue(user.id, channel, ts=ts, thread_ts=thread_ts)}"

    def _open_view(self, user: User, view_id: str) -> Json:
        owner, view = self._modals.find(view_id)
        if owner != user.id:
            raise SlackError("not_found")
        return view

    async def _tell(self, kind: str, payload: Json) -> Json:
        try:
            await self._line.carry(kind, payload)
        except Unacknowledged:
            return {"ok": False, "error": TROUBLE}
        return {"ok": True}


def _element(blocks: Sequence[Json], user: User, block_id: str, action_id: str) -> tuple[Json, Json] | None:
    """What was pressed, if it is still there and this user can see it."""
    for block, element in interactive(visible(blocks, user.id)):
        if (block["block_id"], element["action_id"]) == (block_id, action_id):
            return block, element
    return None


def _action(block: Json, element: Json, choice: str) -> Json:
    shared = {"action_id": element["action_id"], "block_id": block["block_id"]}
    if element["type"] == "button":
        return {**shared, **{key: element[key] for key in ("type", "text", "value", "style", "url") if key in element}}
    return {**shared, **chosen(element, choice)}


def _fits(view: Json, errors: Any) -> bool:
    """Slack shows errors at input blocks of this view only."""
    inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
    return isinstance(errors, dict) and bool(errors) and errors.keys() <= inputs
