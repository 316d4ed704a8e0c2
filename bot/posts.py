"""What an event does to something that is on its way to people: tried, there, put off, come back, or nobody knows."""

from bot import events as e
from bot.changes import attend, map_address, notice, with_post
from bot.state import Post, State
from bot.values import replace


def delivered_or_not(
    state: State, event: e.DeliveryAttempted | e.Delivered | e.DeliveryFailed | e.DeliveryUnknown
) -> State:
    post = state.posts.get(event.delivery)
    if isinstance(event, e.DeliveryFailed) and event.retry_at is None and (post is None or _came_back(post)):
        return _unreached(state, event.address)
    if post is None:
        return state
    match event:
        case e.DeliveryAttempted():
            return with_post(state, replace(post, state="attempted", attempts=event.attempt, attempted_at=event.at))
        case e.Delivered():
            post = replace(post, state="delivered", native=event.native or post.native, shows=event.shows, retry_at=0.0)
            post = replace(post, maps=tuple(dict.fromkeys((*post.maps, *event.maps))))
            for address in event.maps:
                state = map_address(state, address)
            if post.address == state.home and event.maps:  # a thread that began without a conversation has one now
                state = replace(state, home=event.maps[0])
            if post.kind == "card":
                return with_post(state, post)
            return replace(state, posts={key: each for key, each in state.posts.items() if key != post.key})
        case e.DeliveryUnknown():
            return with_post(state, replace(post, state="unknown"))
        case e.DeliveryFailed():
            return _delivery_failed(state, post, event)


def _delivery_failed(state: State, post: Post, event: e.DeliveryFailed) -> State:
    if event.retry_at is not None:
        waiting = replace(post, attempts=event.attempt, retry_at=event.retry_at)
        return with_post(state, replace(waiting, state="delivered") if post.native else replace(waiting, state="owed"))
    if post.native:  # only a change of a card failed: what is there stays
        return with_post(state, replace(post, state="delivered", shows=event.shows))
    state = with_post(state, replace(post, state="failed"))
    if post.kind not in ("reply", "card"):
        return state
    return _unreached(_operator_told(state, event), post.address)


def _came_back(post: Post) -> bool:
    """A mail that was handed over and returned later, rather than a change of a card that failed."""
    return post.state == "delivered" and post.address.startswith("email:")


def _operator_told(state: State, event: e.DeliveryFailed) -> State:
    """Whoever runs Parley reads of it, unless it is them who cannot be reached."""
    if event.told in ("", event.address):
        return state
    text = f"I could not deliver something in “{state.title}”: {event.error}"
    return with_post(state, notice(f"{event.id}.told", event.told, text))


def _unreached(state: State, address: str) -> State:
    """The agent is told once, until a person speaks again; telling it more often would only make it try again."""
    if address in state.unreached:
        return state
    return attend(replace(state, unreached=(*state.unreached, address)))
