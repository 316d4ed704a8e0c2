"""Who is who and who answers where: the people, groups, routes and schedules of bot.toml."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bot.agent import Agent
from bot.events import Actor, Proof
from bot.hours import Hours
from bot.settings import Settings, SettingsError
from bot.tool import mistakes, spec

COMMAND_LINE = Actor(id="operator", name="the command line", proof="operator")
"""Whoever types the commands, while BOT_OPERATOR names nobody: may look, start and say."""

Names = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]


class Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Person(Entry):
    """One human across channels. ``slack``: user ids (``U02ANA``; with several workspaces ``T1/U02ANA``).

    ``hours`` such as ``mon-fri 09:00-17:00``, in ``timezone``: when they are reminded, or asked as well. ``away`` is shown wherever they are
    asked; ``delegate`` then decides in their place.
    """

    name: str = Field(min_length=1)
    slack: Names = ()
    email: Names = ()
    groups: Names = ()
    timezone: str = ""
    hours: str = ""
    away: bool = False
    delegate: str = ""

    @model_validator(mode="after")
    def _hours_mean_something(self) -> "Person":
        if self.hours:
            Hours.read(self.hours, self.timezone)
        return self


class Group(Entry):
    """Several people. ``slack``: the channel where the group is asked; without one its people are asked one by one."""

    slack: str = Field(default="", pattern=r"^((\w+/)?(#.+|[CG]\w+))?$")


class Route(Entry):
    """Who answers a place. ``trusted=false``: what is said there never runs a tool unasked."""

    agent: str
    trusted: bool = True


class Schedule(Entry):
    """The clock as a trigger: at ``cron`` the text is said to the agent, which answers at ``address``."""

    cron: str
    agent: str
    address: str
    text: str
    timezone: str = "UTC"


class Config(Entry):
    """bot.toml as written."""

    default_agent: str = "frontdesk"
    routes: dict[str, Annotated[Route, BeforeValidator(lambda v: {"agent": v} if isinstance(v, str) else v)]] = {}
    people: dict[str, Person] = {}
    groups: dict[str, Group] = {}
    schedules: dict[str, Schedule] = {}


@dataclass(frozen=True)
class Team:
    """Everybody a thread may involve: the agents and the people, and the routes between places and agents."""

    agents: Mapping[str, Agent] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    default_agent: str = "frontdesk"

    def route(self, *places: str) -> Route:
        """Who answers here. The most particular place comes first; then a route that ends in ``*``; else the default agent."""
        here = [place.casefold() for place in places]
        exact = (route for place in here for name, route in self.routes.items() if name.casefold() == place)
        wild = (
            route
            for place in here
            for name, route in self.routes.items()
            if name.endswith("*") and place.startswith(name[:-1].casefold())
        )
        return next(chain(exact, wild), Route(agent=self.default_agent))

    def actor(self, id: str, name: str = "", proof: Proof = "none", *, home: bool = True) -> Actor:
        """The actor behind a platform's id, as bot.toml knows them now. Without a proof the person is only claimed, never known.

        ``home``: bot.toml may mean this id though it does not name its workspace.
        """
        key = self._key(id, home)
        if key is None or proof == "none":
            return Actor(id=id, name=name, proof=proof, claimed=key or "")
        person = self.people[key]
        return Actor(id=id, name=person.name, person=key, groups=person.groups, proof=proof)

    def member(self, person: str, proof: Proof) -> Actor:
        """The actor for somebody whom a key, a session or the operator's shell names directly. Raises KeyError for nobody of bot.toml."""
        found = self.people[person]
        return Actor(id=f"person:{person}", name=found.name, person=person, groups=found.groups, proof=proof)

    def claimed(self, id: str, *, home: bool = True) -> str | None:
        """Whose platform id this is, whether or not anybody proved it."""
        return self._key(id, home)

    def members(self, names: Iterable[str]) -> tuple[str, ...]:
        """The people that these names of people and groups stand for; no names: everybody."""
        wanted = tuple(names)
        return tuple(
            key
            for key, person in self.people.items()
            if not wanted or key in wanted or set(person.groups) & set(wanted)
        )

    def at_work(self, names: Iterable[str], at: float) -> float:
        """This moment, or the next at which one of these people works; at once where somebody names no working hours."""
        people = [self.people[person] for person in self.members(names)]
        hours = [Hours.read(person.hours, person.timezone) for person in people if person.hours]
        return min((each.next(at) for each in hours), default=at) if len(hours) == len(people) else at

    def is_known(self, name: str) -> bool:
        return name in self.people or name in self.groups or any(name in each.groups for each in self.people.values())

    def still_entitled(self, actor: Actor, names: tuple[str, ...]) -> bool:
        """Whether somebody who decided would be asked today as well."""
        return actor.person is not None and actor.person in self.members(names)

    def _key(self, id: str, home: bool) -> str | None:
        channel, _, native = id.partition(":")
        for key, person in self.people.items():
            if channel == "slack" and any(_same_slack(native, known, home) for known in person.slack):
                return key
            if channel == "email" and any(native.casefold() == known.casefold() for known in person.email):
                return key
        return None


def read_config(path: Path) -> Config:
    """bot.toml, checked. Raises SettingsError with one sentence that names the file, the place in it and the mend."""
    try:
        return Config.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise SettingsError(f"{path} is missing: copy bot.toml from the repository, or set BOT_CONFIG.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from None
    except ValidationError as error:
        raise SettingsError(f"{path}: {mistakes(error)}.") from None


def assemble(config: Config, agents: Mapping[str, Agent], source: str = "bot.toml") -> Team:
    """The team of a configuration. Raises SettingsError where it names an agent, person or group that does not exist."""
    team = Team(
        agents=agents,
        people=config.people,
        groups=config.groups,
        routes=config.routes,
        schedules=config.schedules,
        default_agent=config.default_agent,
    )
    for problem in _problems(team):
        raise SettingsError(f"{source}: {problem}")
    return team


def _problems(team: Team) -> Iterable[str]:
    agents = ", ".join(sorted(team.agents)) or "none"
    uses = [("default_agent", team.default_agent)]
    uses += [(f'routes."{place}"', route.agent) for place, route in team.routes.items()]
    uses += [(f"schedules.{name}.agent", schedule.agent) for name, schedule in team.schedules.items()]
    for where, agent in uses:
        if agent not in team.agents:
            yield f"{where} names the agent {agent!r}; there are {agents} (agents/{agent}.py would add it)."
    for name in sorted(set(team.people) & ({*team.groups} | {g for p in team.people.values() for g in p.groups})):
        yield f"{name!r} is both a person and a group; rename one of them."
    for key, person in team.people.items():
        if person.delegate and person.delegate not in team.people:
            yield f"people.{key}.delegate names {person.delegate!r}, who is no person."
    yield from _unknown_deciders(team)


def _unknown_deciders(team: Team) -> Iterable[str]:
    for agent in team.agents.values():
        for tool in agent.tools:
            approval = spec(tool).approval
            for name in (*approval.by, *approval.escalate) if approval else ():
                if not team.is_known(name):
                    yield f"{tool.__name__} of agents/{agent.name}.py needs approval by {name!r}, who is no person or group."


def operator_of(settings: Settings, team: Team) -> Actor | None:
    """The person of BOT_OPERATOR. Raises SettingsError for nobody of bot.toml."""
    if not settings.operator:
        return None
    try:
        return team.member(settings.operator, "operator")
    except KeyError:
        raise SettingsError(f"BOT_OPERATOR names {settings.operator!r}, who is no person of bot.toml.") from None


def unreachable(team: Team, channels: Iterable[str]) -> list[str]:
    """People whom no configured channel reaches, as sentences for a warning at start-up."""
    on = set(channels)
    return [
        f"{person.name} has no address on a configured channel and cannot be asked."
        for person in team.people.values()
        if not (person.slack and "slack" in on) and not (person.email and "email" in on)
    ]


def _same_slack(native: str, known: str, home: bool) -> bool:
    return native == known or (home and "/" not in known and native.rpartition("/")[2] == known)
