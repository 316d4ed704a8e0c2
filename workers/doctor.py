"""``bot doctor``: looks at everything Parley needs, a line a check, and says what to do."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TypeAlias

from redis import Redis
from redis.exceptions import (
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from bot.agent import Agent
from bot.checkup import Finding, bad, good, warning
from bot.ids import new_id
from bot.people import Team, unreachable
from bot.ports import ModelError, Prompt, Unavailable
from bot.settings import Settings, SettingsError
from bot.thread import Thread
from channels.email import checkup as email
from channels.slack import checkup as slack
from channels.web.keys import read_keys
from workers import valkey
from workers.assembly import store_of, team_of
from workers.model import STAND_IN, ClaudeModel, model_for

PATIENCE = 20.0  # seconds of silence after which the model counts as away
NEARLY = 0.9  # of its memory, after which a store is nearly full
COLOURS = {"✓": "32", "!": "33", "✗": "31"}
WIDTH = 10  # of the column that says what a line is about

Line: TypeAlias = tuple[str, Finding]
"""What was looked at, in a word, and how it stands."""


def examine(settings: Settings, *, send: bool = False) -> int:
    """Look at everything and print how it stands; 1 where something must be mended. ``send``: also mail oneself a forgery (RFC 8601, 5)."""
    return report(_all(settings, send))


def unreadable(error: SettingsError) -> int:
    """The whole report where the settings cannot even be read."""
    return report([("settings", bad("the settings cannot be read", str(error)))])


def report(lines: Iterable[Line]) -> int:
    """Print each line as soon as it is known. 1: one of them is ✗."""
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    failed = False
    for about, finding in lines:
        mark = f"\x1b[{COLOURS[finding.mark]}m{finding.mark}\x1b[0m" if coloured else finding.mark
        print(f"{mark} {about:<{WIDTH}}{finding.text}", flush=True)
        if finding.mend:
            print(f"{'':<{WIDTH + 2}}{finding.mend}", flush=True)
        failed = failed or finding.mark == "✗"
    return int(failed)


def _all(settings: Settings, send: bool) -> Iterator[Line]:
    yield "settings", good("read from the environment and .env")
    try:
        team = team_of(settings)
    except SettingsError as error:
        team = None
        yield "team", bad("agents, prompts and bot.toml do not fit together", str(error))
    checks: list[tuple[str, Callable[[], Iterable[Finding]]]] = [
        ("store", lambda: store(settings)),
        ("slack", lambda: slack.check_up(settings, team)),
        ("email", lambda: email.check_up(settings, send=send)),
        ("email", lambda: mailbox(settings)),
        ("model", lambda: [model(settings)]),
    ]
    if team is not None:
        known = team
        checks = [("team", lambda: people(settings, known)), *checks, ("api", lambda: [keys(settings, known)])]
        checks.append(("operator", lambda: [operator(settings, known)]))
    for about, look in checks:
        yield from ((about, finding) for finding in _looked(look))


def _looked(look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What a check finds; one that fails itself is a finding too, since a traceback helps nobody who came for help."""
    try:
        yield from look()
    except Exception as error:
        yield bad(
            f"this could not be looked at ({type(error).__name__})", "Try again; if it stays so, please report it."
        )


# The team


def people(settings: Settings, team: Team) -> Iterator[Finding]:
    """How many there are, and who cannot be asked."""
    count = f"{_count(len(team.agents), 'agent')}, {_count(len(team.people), 'person', 'people')}"
    yield good(f"{count} and {_count(len(team.routes), 'route')} in {settings.config}")
    channels = [name for name, on in (("slack", settings.slack_on), ("email", settings.email_on)) if on]
    if not channels:
        yield warning("no channel is on, so nobody can be asked anything", "Set up Slack or email; README.md says how.")
        return
    mend = f"Give them a Slack id or an email address in {settings.config}, on a channel that is on."
    yield from (warning(sentence.rstrip("."), mend) for sentence in unreachable(team, channels))


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


# The mailbox


def mailbox(settings: Settings) -> Iterator[Finding]:
    """Whether somebody reads the mailbox. Nothing is said where there is none, or no store that could know."""
    if not (settings.email_on and settings.imap_url):
        return
    with suppress(SettingsError, Unavailable), store_of(settings, timeout=2.0) as opened:
        yield email.reader(settings, opened)
        yield email.unheard(settings, opened)


# The store


def store(settings: Settings) -> Iterator[Finding]:
    """Whether it answers, keeps what it is given, and takes more; the embedded one is looked at like any other."""
    try:
        with store_of(settings, timeout=2.0) as opened:
            yield good(
                "Redis answers at REDIS_URL" if settings.redis_url else f"embedded, in {settings.data / 'valkey'}"
            )
            yield from _durable(opened.client)
            yield _writes(opened.client)
    except (SettingsError, Unavailable) as error:
        yield bad("the store cannot be used", str(error))
    except RedisError as error:
        yield bad(f"the store stopped answering ({type(error).__name__})", "Look at its log, its load and the network.")


def _durable(client: Redis) -> Iterator[Finding]:
    try:
        findings = valkey.check(client)
        memory = client.info("memory")
    except ResponseError:
        yield warning(
            "the store does not say how it is set up",
            "Let REDIS_URL's user run INFO, or see yourself to appendonly yes, appendfsync always and noeviction.",
        )
        return
    yield good(", ".join(each.text for each in findings if each.good))
    for each in findings:
        if not each.good:
            what, _, mend = each.text.rpartition(": ")
            yield bad(what, mend[:1].upper() + mend[1:])
    most, used = int(memory.get("maxmemory", 0)), int(memory.get("used_memory", 0))
    if most and NEARLY * most < used <= most:
        yield warning(f"{used / most:.0%} of its memory is used", "Raise maxmemory before it takes nothing more.")


def _writes(client: Redis) -> Finding:
    """Whether it takes a write now; this one is gone after a second."""
    try:
        client.set(f"doctor:{new_id()}", "", ex=1)
    except OutOfMemoryError:
        return bad("it is full and takes nothing more", "Give it more memory (maxmemory), or forget old threads.")
    except ReadOnlyError:
        return bad("it takes no writes, being a replica", "Let REDIS_URL name the master.")
    except NoPermissionError:
        return bad("REDIS_URL's user may not write", "Give the user all commands and keys of this database.")
    except ResponseError:
        return bad("it takes no writes at present", "Its log says why: mostly a full disk, or too few replicas.")
    return good("it takes writes")


# The model


def model(settings: Settings) -> Finding:
    """Whether it answers, by one short question."""
    try:
        chosen = model_for(settings)
    except SettingsError as error:
        return bad("the worker will not start without a model", str(error))
    if chosen.name == STAND_IN:
        mend = "Put ANTHROPIC_API_KEY into .env and unset BOT_MODEL to have the agents think."
        return warning("a scripted stand-in plays the agents, and no model is called", mend)
    return _answers(
        ClaudeModel(chosen.name, settings.anthropic_api_key, settings.anthropic_base_url or None, timeout=PATIENCE)
    )


def _answers(claude: ClaudeModel) -> Finding:
    asked = Agent().named("doctor", "Reply with the one word yes.")
    try:
        claude.choose(Prompt(asked, ("Do you answer?",), Thread("doctor")))
    except ModelError as error:
        if error.reason == "overloaded":
            return warning(f"{claude.name} is overloaded", "Nothing must be done: the worker asks again by itself.")
        where = " Look at the network, at a proxy, and at ANTHROPIC_BASE_URL." if error.reason == "unreachable" else ""
        return bad(f"{claude.name} does not answer", f"{error}{where}")
    return good(f"{claude.name} answers")


# Who may do what from outside


def keys(settings: Settings, team: Team) -> Finding:
    """Whether every key of the API belongs to somebody."""
    try:
        holders = read_keys(settings.api_keys, team).holders
    except SettingsError as error:
        return bad("BOT_API_KEYS cannot be used", str(error))
    if not holders:
        return good("off: BOT_API_KEYS is not set")
    named = sorted({actor.name if actor.person else "nobody in particular" for _, actor in holders})
    return good(f"{_count(len(holders), 'key')}, for {' and '.join(named)}")


def operator(settings: Settings, team: Team) -> Finding:
    """Who the command line acts as."""
    if not settings.operator:
        return good("the command line may start and say, but not decide: BOT_OPERATOR is not set")
    if settings.operator not in team.people:
        people = ", ".join(sorted(team.people)) or "nobody yet"
        return bad(f"BOT_OPERATOR names {settings.operator!r}, who is no person of bot.toml", f"There are: {people}.")
    return good(f"the command line acts as {team.people[settings.operator].name}")
