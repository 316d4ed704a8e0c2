"""People's mailboxes for the page, as JSON under /sandbox/mail."""

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from channels.sandbox.mail.letters import Letter
from channels.sandbox.mail.mailroom import Mailroom


class Sending(BaseModel):
    """A mail that a person sends; with `spoof` a forger sends it in that person's name."""

    model_config = ConfigDict(frozen=True)

    sender: str = Field(alias="from")
    to: list[str] = Field(min_length=1)
    cc: list[str] = []
    subject: str
    text: str
    in_reply_to: str | None = None
    references: list[str] = []
    html: str | None = None
    spoof: bool = False


class Reading(BaseModel):
    """A mail that a person has opened."""

    address: str
    id: str


def mail_router(mailroom: Mailroom) -> APIRouter:
    """The routes of people's mailboxes; an unknown mailbox or mail is 404, an impossible letter 422."""
    router = APIRouter(prefix="/sandbox/mail")
    people = dict(mailroom.directory.people)

    def known(address: str) -> str:
        if address.lower() not in people:
            raise HTTPException(404, "Nobody here has this mailbox; GET /sandbox/mail/mailboxes lists them.")
        return address.lower()

    @router.get("/mailboxes")
    async def mailboxes() -> list[dict[str, object]]:
        return mailroom.mailboxes()

    @router.get("/messages")
    async def messages(address: str) -> list[dict[str, object]]:
        return mailroom.messages(known(address))

    @router.post("/send")
    async def send(sending: Sending) -> dict[str, str]:
        sender = known(sending.sender)
        letter = Letter(sender, people[sender], **sending.model_dump(exclude={"sender", "spoof"}))
        try:
            return {"message_id": mailroom.send(letter, spoof=sending.spoof)}
        except ValueError as error:
            raise HTTPException(422, f"This mail cannot be written: {error}. Correct it and send it again.") from error

    @router.post("/read")
    async def read(reading: Reading) -> dict[str, bool]:
        try:
            mailroom.read(known(reading.address), reading.id)
        except KeyError as error:
            raise HTTPException(404, "This mail is not in that mailbox.") from error
        return {"ok": True}

    return router
