"""Other ways to ask: the slash command, and the shortcut on a message. Payloads to events, purely.

https://docs.slack.dev/interactivity/implementing-slash-commands, https://docs.slack.dev/reference/interaction-payloads
"""

from bot.events import Attachment, MessageReceived, Origin
from bot.people import Team
from bot.ports import Arrival
from channels.slack.address import conversation
from channels.slack.text import readable
from channels.slack.translate import Ignored, Json, Me, Names, actor_of, called

SHORTCUT = "parley:ask"

ON_IT = "I am on it. My answer comes in our direct messages."
LOOKING = "I am looking at it. My answer comes in its thread."
LOOKING_ELSEWHERE = "I am looking at it. I am not in that conversation, so my answer comes in our direct messages."
HOW_TO_ASK = (
    "Write `/parley` and what you need, mention me in a channel, or write to me directly. "
    "What waits for you is on my Home tab."
)


def commanded(body: Json, me: Me, team: Team, names: Names) -> Arrival | Ignored:
    """A slash command begins a thread in the direct messages of whoever used it: a command has no thread of its own."""
    text = _readable(str(body.get("text") or ""), me, team, names)
    if not text:
        return Ignored("empty command")
    id = f"slack:{me.team}/command/{body['trigger_id']}"
    return _asked(body["user_id"], body["team_id"], id, text, me, team, names)


def pointed_at(body: Json, me: Me, team: Team, names: Names) -> Arrival | Ignored:
    """A message shortcut asks about a message, in its thread where Parley can answer there."""
    if body.get("callback_id") != SHORTCUT:
        return Ignored("shortcut that is not ours")
    user, message, channel = body["user"], body["message"], body["channel"]["id"]
    id = f"slack:{me.team}/{channel}/{message['ts']}/asked/{body['action_ts']}"
    text = _readable(message.get("text") or "", me, team, names)
    own = message.get("user") == user["id"]
    author = called(message.get("user") or "", me, team, names) or "an app"
    about = text if own else f"What about this message?\n\nShared from {author}: {text}"
    asked = _asked(user["id"], user.get("team_id") or "", id, about, me, team, names, shared=not own)
    return _in_thread(asked, channel, message, me, team, names) if names.channel(channel) else asked


def told(arrival: Arrival) -> str:
    """What whoever used the shortcut is told at once."""
    assert isinstance(arrival.event, MessageReceived)
    return LOOKING if arrival.event.origin.address == arrival.address else LOOKING_ELSEWHERE


def _in_thread(asked: Arrival, channel: str, message: Json, me: Me, team: Team, names: Names) -> Arrival:
    address = conversation(me.team, channel, message.get("thread_ts") or message["ts"])
    place = f"slack:#{names.channel(channel)}"
    route = team.route(place, f"slack:{channel}")
    event = asked.event
    assert isinstance(event, MessageReceived)
    origin = Origin(address=address, native=event.origin.native, place=place, trusted=route.trusted)
    moved = event.model_copy(update={"origin": origin, "agent": route.agent})
    return Arrival(moved, address, asked.keys)


def _asked(
    user: str, user_team: str, id: str, text: str, me: Me, team: Team, names: Names, *, shared: bool = False
) -> Arrival:
    """Something asked in nobody's thread: it begins one in the direct messages."""
    route = team.route("slack:dm")
    event = MessageReceived(
        id=id,
        actor=actor_of(user, user_team, me, team, called(user, me, team, names)),
        text=text,
        origin=Origin(address=f"slack:@{me.team}/{user}", native=id, place="slack:dm", trusted=route.trusted),
        attachments=(Attachment(name="a shared message", media_type="text/plain"),) if shared else (),
        agent=route.agent,
    )
    return Arrival(event, id, (id,))


def _readable(text: str, me: Me, team: Team, names: Names) -> str:
    return readable(text, me.user, lambda id: called(id, me, team, names), names.channel).strip()
