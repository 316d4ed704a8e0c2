"""The composition roots: from settings to a running process, and to the store and team that one command needs."""

import logging
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from redis.exceptions import AuthenticationError

import agents
from bot.events import Actor
from bot.orphan import end_with_parent
from bot.people import COMMAND_LINE, Team, assemble, operator_of, read_config, unreachable
from bot.ports import Channel, Model, Store, Unavailable
from bot.settings import Settings, SettingsError
from bot.surfaces import personal
from workers.clock import check_schedules
from workers.deliver import Deliveries
from workers.leases import LEASE, Leases
from workers.logs import set_up_logs
from workers.loop import Loop, rest
from workers.model import DEFAULT_MODEL, model_for
from workers.queue import worker_for
from workers.store import RedisStore, connect
from workers.valkey import embedded

log = logging.getLogger("parley")
PROMPTS = Path("prompts")
OUTAGE = 30.0  # seconds that a worker waits for its store, so that a restart of it loses no outcome
SHARE = 0.001  # seconds that a tool may compute before it lets another thread of the worker go on, and renew a lease for example


@contextmanager
def office(settings: Settings) -> Iterator[tuple[RedisStore, Team, Actor]]:
    """The store, the team and the operator, for one command."""
    team = team_of(settings)
    with store_of(settings) as store:
        yield store, team, operator_of(settings, team) or COMMAND_LINE


def team_of(settings: Settings) -> Team:
    """The agents, people and routes. Raises SettingsError with one sentence for the first thing that is wrong."""
    try:
        known = agents.load(PROMPTS)
    except agents.AgentError as error:
        raise SettingsError(str(error)) from error
    team = assemble(read_config(settings.config), known, str(settings.config))
    check_schedules(team)
    return team


@contextmanager
def store_of(settings: Settings, *, timeout: float = 5.0, patience: float = 0.0) -> Iterator[RedisStore]:
    """The store behind REDIS_URL, or an embedded Valkey in the data folder. Raises SettingsError or Unavailable where none answers.

    ``patience``: seconds that a later outage is waited out, by whoever has nobody waiting for an answer.
    """
    with ExitStack() as stack:
        url = settings.redis_url or stack.enter_context(embedded(settings.data / "valkey"))
        store = _answering(url, timeout)
        store.patience = patience
        yield store


def _answering(url: str, timeout: float) -> RedisStore:
    try:
        store = RedisStore(connect(url, timeout=timeout))
        store.now()
    except ValueError:
        raise SettingsError("REDIS_URL is malformed: write one such as redis://user:password@host:6379/0.") from None
    except Unavailable as error:
        if isinstance(error.__cause__, AuthenticationError):
            raise SettingsError(
                "Redis refuses the user or the password of REDIS_URL: correct them there, percent-encoded."
            ) from None
        raise
    return store


def channels_of(settings: Settings, team: Team, store: Store) -> Mapping[str, Channel]:
    """The ways out that are configured."""
    ways: dict[str, Channel] = {}
    if settings.slack_on:
        from channels.slack.channel import slack_channel

        ways["slack"] = slack_channel(settings, team, store)
    if settings.email_on:
        from channels.email.channel import email_channel

        ways["email"] = email_channel(settings, team, store)
    return ways


def run_process(name: str, settings: Settings, team: Team | None = None) -> int:
    """One process of the Procfile, until it is told to stop. ``team``: another one than the repository's."""
    set_up_logs(settings)
    end_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # what is open is closed, an embedded store too
    team = team or team_of(settings)
    return {"web": _web, "slack": _slack, "email": _email, "worker": _worker}[name](settings, team)


def _worker(settings: Settings, team: Team) -> int:
    model = model_for(settings)
    _refuse_wrong_token(settings)
    _say_which_model(model)
    with store_of(settings, patience=OUTAGE) as store:
        ways = channels_of(settings, team, store)
        for warning in unreachable(team, ways):
            log.warning(warning)
        sys.setswitchinterval(SHARE)
        leases = Leases(LEASE)
        operator = personal(team.people[settings.operator]) if settings.operator in team.people else ""
        deliveries = Deliveries(store, ways, partial(rest, store, team), operator, leases=leases)
        loop = Loop(store, team, model, deliveries, deliveries.progress, settings.data, leases=leases)
        worker_for(store, loop.look, team, settings.retention_days).work()
        loop.finish()
        deliveries.finish()
    return 0


def _refuse_wrong_token(settings: Settings) -> None:
    """Raises SettingsError for a token that Slack does not take. An outage of Slack is no reason not to start."""
    if settings.slack_bot_token:
        from channels.slack.connection import client, introduce

        with suppress(Unavailable):
            introduce(client(settings, seconds=3))


def _say_which_model(model: Model) -> None:
    if model.name == "scripted":
        log.warning("the agents are played by a scripted stand-in; no model is called")
    else:
        log.info("the agents think with %s", model.name)


def _slack(settings: Settings, team: Team) -> int:
    from channels.slack.socket import run_socket

    settings.require(*([] if settings.slack_installable else ["SLACK_BOT_TOKEN"]), "SLACK_APP_TOKEN")
    with store_of(settings, timeout=2.0) as store:
        run_socket(settings, team, store)
    return 0


def _email(settings: Settings, team: Team) -> int:
    from channels.email.pump import run_mailbox

    settings.require("EMAIL_ADDRESS", "IMAP_URL", "SMTP_URL", "BOT_SECRET")
    if not settings.mails_decide:
        log.warning("EMAIL_AUTHSERV_ID is not set: mails decide nothing, because nobody vouches for their senders")
    with store_of(settings, timeout=2.0) as store:
        run_mailbox(settings, team, store)
    return 0


def _web(settings: Settings, team: Team) -> int:
    from channels.web.app import create_app, serve

    _refuse_wrong_token(settings)
    with _listening(settings.host, settings.port) as listener, store_of(settings, timeout=2.0) as store:
        slack = None
        if settings.slack_installable or (settings.slack_bot_token and settings.slack_signing_secret):
            from channels.slack.http import http_app

            slack = http_app(settings, team, store)
        app = create_app(settings, team, store, model_name=_model_name(settings), slack=slack)
        print(f"listening on http://{settings.host}:{listener.getsockname()[1]}", file=sys.stderr)
        serve(app, listener)
    return 0


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens already, so that a taken port is known before anything starts. Raises SettingsError."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        why = str(error.strerror).partition(" (")[0]  # Python adds the address once more
        raise SettingsError(
            f"Port {port} of {host} cannot be used ({why}): stop what listens there, or set PORT or HOST."
        ) from None


def _model_name(settings: Settings) -> str:
    return settings.model or DEFAULT_MODEL
