"""Our side of the mail: the address and its aliases, and the marks by which we know our own mails again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.ids import digest
from bot.people import Team
from bot.settings import Settings
from channels.email import compose, token
from channels.email.mail import Mail, message_ids
from channels.email.signature import DNS, Keys, signed
from channels.email.trust import Verdict, authentication

MICROSOFT = "microsoft365"
"""What EMAIL_AUTHSERV_ID says for Microsoft 365, whose Authentication-Results name no server."""


@dataclass(frozen=True)
class Me:
    """`aliases` are the addresses that routes name; `authserv_id` is the server whose word about senders is taken, and
    `keys` gives the keys by which Parley verifies senders' own signatures, if it does."""

    address: str
    secret: str
    aliases: tuple[str, ...] = ()
    authserv_id: str = ""
    keys: Keys | None = None

    @classmethod
    def of(cls, settings: Settings, team: Team) -> "Me":
        """The mailbox of the settings. Raises SettingsError where one is missing."""
        settings.require("EMAIL_ADDRESS", "BOT_SECRET")
        named = [place.partition(":")[2] for place in team.routes if place.casefold().startswith("email:")]
        aliases = tuple(each for each in named if "@" in each and "*" not in each and each != settings.email_address)
        keys = DNS if settings.email_dkim else None
        return cls(settings.email_address, settings.secret, aliases, settings.email_authserv_id, keys)

    # Who wrote a mail

    @property
    def can_tell(self) -> bool:
        """Whether anybody vouches for who wrote a mail; otherwise mails decide nothing."""
        return bool(self.authserv_id or self.keys)

    def verdict(self, mail: Mail, raw: bytes) -> Verdict:
        """Whether a mail is from whom it says: by the configured server's word, else by a signature of the sender's domain."""
        nameless = self.authserv_id.casefold() == MICROSOFT
        verdict = authentication(mail, "" if nameless else self.authserv_id, microsoft=nameless)
        return verdict if verdict.proved or self.keys is None else signed(mail, raw, self.keys)

    # Addresses

    def owns(self, address: str) -> bool:
        """Whether mail to this address comes here, with or without something behind a plus."""
        return any(compose.is_ours(address, ours) for ours in (self.address, *self.aliases))

    def reached_at(self, recipients: Iterable[str]) -> str:
        """The address of ours that its author wrote to: an alias rather than the mailbox behind it."""
        written = [_without_tag(each) for each in recipients]
        return next((ours for ours in (*self.aliases, self.address) if ours.casefold() in written), self.address)

    def reply_address(self, interaction: str) -> str:
        """Where the answer to this interaction goes, unguessable; empty where EMAIL_ADDRESS is too long to carry a token."""
        try:
            return token.reply_address(self.address, token.mint(self.secret, interaction))
        except ValueError:
            return ""

    def addressed(self, mail: Mail) -> str:
        """The interaction whose reply address the mail was sent to; empty: none that we ever gave out."""
        for address in mail.recipients:
            _, tagged, tag = address.rpartition("@")[0].casefold().rpartition("+q.")
            if tagged and self.owns(address) and (ref := token.read(self.secret, tag)):
                return ref
        return ""

    # Message ids

    def message_id(self, thread: str, delivery: str) -> str:
        """The id of the mail for this delivery, the same at every attempt; nobody else can make one."""
        return compose.message_id(token.mint(self.secret, thread), digest(delivery), self.address)

    def threads(self, mail: Mail) -> Iterator[str]:
        """The threads that the mail's own marks name, the most trustworthy first: ours, whatever the store knows."""
        for each in token.find_tokens(mail):
            if ref := token.read(self.secret, each):
                yield ref.partition(".")[0]

    def minted(self, message_id: str) -> bool:
        """Whether this is the id of a mail that we sent."""
        return next(self.threads(Mail(in_reply_to=message_ids(message_id))), "") != ""


def _without_tag(address: str) -> str:
    local, _, host = address.casefold().rpartition("@")
    return f"{local.partition('+')[0]}@{host}"
