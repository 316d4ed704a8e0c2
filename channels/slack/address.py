"""Slack's addresses: ``slack:T/C/ts`` is a conversation, ``slack:#ops``, ``slack:C24`` and ``slack:@U02ANA`` are places to begin one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    """``channel`` is an id, ``#name``, or ``@user``; ``thread_ts`` is empty where a conversation begins; ``team`` where it is the only one."""

    team: str
    channel: str
    thread_ts: str = ""

    @property
    def direct(self) -> bool:
        """Whether only one person reads there."""
        return self.channel.startswith(("@", "D"))


def conversation(team: str, channel: str, ts: str) -> str:
    """The address of the conversation under a message."""
    return f"slack:{team}/{channel}/{ts}"


def parse(address: str) -> Address:
    """The parts of an address. Raises ValueError for one that is not Slack's."""
    scheme, _, rest = address.partition(":")
    if scheme != "slack" or not rest:
        raise ValueError(f"{address!r} is no Slack address")
    if rest.startswith("@"):
        team, _, user = rest[1:].rpartition("/")
        return Address(team, f"@{user}")
    if rest.startswith("#"):
        return Address("", rest)
    parts = rest.split("/")
    match parts:
        case [channel]:
            return Address("", channel)
        case [team, channel]:
            return Address(team, channel)
        case [team, channel, ts]:
            return Address(team, channel, ts)
    raise ValueError(f"{address!r} is no Slack address")
