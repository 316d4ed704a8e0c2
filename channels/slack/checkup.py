"""How Slack stands: the tokens, the app's scopes, and whether Parley is in the channels where it is expected."""

import re
from collections.abc import Iterator, Mapping
from http.client import HTTPException

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.checkup import Finding, bad, good, hint, unset, warning
from bot.people import Team
from bot.ports import Unavailable
from bot.settings import Settings
from channels.slack import manifest
from channels.slack.connection import REFUSED, client, code_of, reason
from channels.slack.directory import GONE, Directory

SECONDS = 5  # for one answer of Slack's
UPDATE = "On your Slack app's page App Manifest paste what this prints:"


def check_up(settings: Settings, team: Team | None) -> Iterator[Finding]:
    """Everything that can be known without posting. ``team``: None where bot.toml cannot be read; then channels are not looked at."""
    if not settings.slack_on:
        yield _off(settings)
        return
    web = client(settings, seconds=SECONDS)
    if settings.slack_bot_token:
        yield from _own(web, team)
    if settings.slack_installable:
        yield from _installing(settings, team)
    yield _line(web, settings)
    if settings.slack_signing_secret:
        yield signing_secret(settings.slack_signing_secret)


def _off(settings: Settings) -> Finding:
    if bool(settings.slack_client_id) != bool(settings.slack_client_secret):
        return unset("SLACK_CLIENT_SECRET" if settings.slack_client_id else "SLACK_CLIENT_ID")
    half = settings.slack_app_token or settings.slack_signing_secret
    return unset("SLACK_BOT_TOKEN") if half else good("off: SLACK_BOT_TOKEN is not set")


def _own(web: WebClient, team: Team | None) -> Iterator[Finding]:
    """The workspace of SLACK_BOT_TOKEN."""
    try:
        told = web.auth_test()
    except (SlackApiError, OSError, HTTPException) as error:
        yield trouble(error, "SLACK_BOT_TOKEN")
        return
    yield good(f"signed in as @{told['user']} in {told['team']}")
    yield scopes(told.headers)
    yield from _channels(web, team, str(told["user"]))


def _installing(settings: Settings, team: Team | None) -> Iterator[Finding]:
    """Whether workspaces can install the app by themselves, and people there be told apart."""
    if not settings.secret:
        yield unset("BOT_SECRET")
    if settings.public_url:
        yield good(f"workspaces install it at {settings.public_url.rstrip('/')}/slack/install")
    else:
        yield warning("Slack is not told where an installation ends", "Set PUBLIC_URL to the address of bot web.")
    people = team.people.values() if team and not settings.slack_bot_token else ()
    if bare := [person.name for person in people if any("/" not in id for id in person.slack)]:
        mend = "Write T1/U02ANA in bot.toml, with the workspace's id, before a second workspace installs it."
        yield warning(f"no workspace is named with the Slack ids of {', '.join(bare)}", mend)


def trouble(error: SlackApiError | OSError | HTTPException, variable: str) -> Finding:
    """What a failed call with the token of this variable means."""
    if not isinstance(error, SlackApiError):
        mend = "Look at the network, at a proxy, and at SLACK_API_URL."
        return bad(f"Slack cannot be reached ({reason(error)})", mend)
    code = code_of(error)
    if code in REFUSED | {"missing_scope"}:
        return bad(f"{variable} is refused by Slack ({code})", hint(variable))
    return bad(f"Slack is in trouble ({code})", "Try again in a minute; https://slack-status.com tells of outages.")


def scopes(headers: Mapping[str, str]) -> Finding:
    """Whether the app may do what its manifest asks for, by the header that every answer of Slack's carries."""
    granted = next((value for name, value in headers.items() if name.lower() == "x-oauth-scopes"), None)
    if granted is None:
        return warning("Slack does not say which scopes the app has", f"Compare them with {_shown()} yourself.")
    missing = wanted() - {scope.strip() for scope in granted.split(",")}
    if missing:
        mend = f"{UPDATE} {_shown()}, save, and install the app again; OAuth & Permissions shows them then."
        return bad(f"the app lacks the scopes {', '.join(sorted(missing))}", mend)
    return good(f"the app has the {len(wanted())} scopes of its manifest")


def wanted() -> frozenset[str]:
    """The scopes of the manifest."""
    return frozenset(manifest.scopes())


def _shown() -> str:
    return "python -m bot slack-manifest"


def _line(web: WebClient, settings: Settings) -> Finding:
    """How Slack reaches Parley: over a socket, or at a request URL."""
    if not settings.slack_app_token and settings.slack_signing_secret:
        return good("Socket Mode is off: SLACK_APP_TOKEN is not set; events come to /slack/events")
    if not settings.slack_app_token:
        return unset("SLACK_APP_TOKEN")
    try:
        web.apps_connections_open(app_token=settings.slack_app_token)
    except (SlackApiError, OSError, HTTPException) as error:
        return trouble(error, "SLACK_APP_TOKEN")
    return good("Socket Mode opens a line")


def signing_secret(secret: str) -> Finding:
    """It can only be tried by Slack itself; its shape shows whether something else was copied."""
    if re.fullmatch(r"[0-9a-f]{32}", secret):
        return good("SLACK_SIGNING_SECRET looks right")
    return warning("SLACK_SIGNING_SECRET is not 32 hexadecimal digits, as Slack's are", hint("SLACK_SIGNING_SECRET"))


def _channels(web: WebClient, team: Team | None, me: str) -> Iterator[Finding]:
    """Whether Parley is where bot.toml expects it."""
    directory = Directory(web)
    try:
        inside = {place: _is_in(web, directory, place) for place in (places(team) if team else ())}
    except (Unavailable, SlackApiError, OSError, HTTPException):
        yield warning("Slack does not say which channels Parley is in", "Try again in a minute.")
        return
    if here := [place for place, is_in in inside.items() if is_in]:
        yield good(f"in {', '.join(here)}")
    for place, is_in in inside.items():
        if not is_in:
            yield warning(f"bot.toml names {place}, and Parley is not in it", f"Write there: /invite @{me}")


def places(team: Team) -> tuple[str, ...]:
    """The channels that routes, groups and schedules name, each as ``#name`` or as an id."""
    named = [*team.routes, *(schedule.address for schedule in team.schedules.values())]
    named += [f"slack:{group.slack}" for group in team.groups.values()]
    found = (re.fullmatch(r"(?i:slack):(#[^*]+|[CG][A-Z0-9]+)", place) for place in named)
    return tuple(dict.fromkeys(match[1] for match in found if match))


def _is_in(web: WebClient, directory: Directory, place: str) -> bool:
    if place.startswith("#"):
        return bool(directory.channel_id(place.lower()))
    try:
        told: SlackResponse = web.conversations_info(channel=place)
    except SlackApiError as error:
        if code_of(error) in GONE:
            return False
        raise
    return bool(told["channel"].get("is_member"))
