"""Who has a mailbox here, and which address leads to it."""

from collections.abc import Iterable
from dataclasses import dataclass


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _plain(address: str) -> str:
    """The address without its plus part and in lower case: `Ana+x@Example.com` is `ana@example.com`."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}".lower()


@dataclass(frozen=True)
class Directory:
    """The agent's mailbox (reached by its aliases too) and one for every person."""

    agent: str
    aliases: tuple[str, ...]
    people: tuple[tuple[str, str], ...]  # address, name

    @classmethod
    def of(cls, agent: str, aliases: Iterable[str], people: Iterable[tuple[str, str]]) -> "Directory":
        lowered = tuple((address.lower(), name) for address, name in people)
        return cls(agent.lower(), tuple(alias.lower() for alias in aliases), lowered)

    def mailbox(self, recipient: str) -> str | None:
        """The address of the mailbox that receives mail for `recipient`, if there is one (RFC 5233 plus addresses)."""
        plain = _plain(recipient)
        if plain == self.agent or plain in self.aliases:
            return self.agent
        return plain if plain in dict(self.people) else None

    def owns(self, account: str, address: str) -> bool:
        """Whether mail from `address` is mail from the owner of `account`."""
        return self.mailbox(address) == account.lower()

    def is_ours(self, address: str) -> bool:
        """Whether this server alone answers for the address's domain."""
        return domain_of(address) == domain_of(self.agent)

    def name(self, address: str) -> str:
        return dict(self.people).get(address.lower(), "")
