"""Logging in with a token instead of a password (XOAUTH2, as Gmail and Microsoft 365 want it), for reading and for sending."""

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast
from urllib.parse import parse_qs

import pytest

from bot.settings import SettingsError, read_settings
from channels.email.imap import Mailbox, Pace, Positioned
from channels.email.oauth import Grant, GrantRefused, GrantUnavailable, grant_of
from channels.email.smtp import Misconfigured, Outcome, Retry, Sent, send
from tests.email.fake_imap import FakeImap, Session
from tests.email.samples import raw

QUICK = Pace(timeout=1, idle=0.5, poll=0.05, first_look=0.1, retry=0.01, longest_retry=0.05, refused=0.05)


class TokenServer:
    """A provider's token server: it counts its tokens, and `status` is what it answers with."""

    def __init__(self) -> None:
        self.status, self.seconds, self.rotates = 200, 3_600, ""
        self.asked: list[dict[str, list[str]]] = []
        outer = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.asked.append(parse_qs(body))
                found: dict[str, Any] = {"access_token": f"token{len(outer.asked)}", "expires_in": outer.seconds}
                found |= {"refresh_token": outer.rotates} if outer.rotates else {}
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(json.dumps(found if outer.status == 200 else {"error": "invalid_grant"}).encode())

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server.server_port}/token"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def provider() -> Iterator[TokenServer]:
    server = TokenServer()
    yield server
    server.server.shutdown()
    server.server.server_close()


def token(grant: Grant) -> str:
    return asyncio.run(grant.token())


def test_I6_a_token_is_used_until_it_ends_and_then_refreshed(provider: TokenServer) -> None:
    clock = [0.0]
    grant = Grant(provider.url, "client", "standing", "secret", "mail", lambda: clock[0])
    assert [token(grant), token(grant)] == ["token1", "token1"]
    clock[0] = 3_500.0
    assert token(grant) == "token2"
    assert provider.asked[0] == {
        "grant_type": ["refresh_token"],
        "client_id": ["client"],
        "refresh_token": ["standing"],
        "client_secret": ["secret"],
        "scope": ["mail"],
    }
    grant.forget()
    assert token(grant) == "token3"


def test_I6_a_permission_that_is_replaced_is_used_from_then_on(provider: TokenServer) -> None:
    provider.rotates = "newer"
    grant = Grant(provider.url, "client", "standing")
    token(grant)
    grant.forget()
    token(grant)
    assert [each["refresh_token"] for each in provider.asked] == [["standing"], ["newer"]]


@pytest.mark.parametrize(("status", "problem"), [(400, GrantRefused), (401, GrantRefused), (503, GrantUnavailable)])
def test_I6_a_permission_that_was_withdrawn_is_another_trouble_than_a_provider_that_is_away(
    provider: TokenServer, status: int, problem: type[Exception]
) -> None:
    provider.status = status
    with pytest.raises(problem):
        token(Grant(provider.url, "client", "standing"))
    with pytest.raises(GrantUnavailable):
        token(Grant("http://127.0.0.1:1/token", "client", "standing"))


def test_I6_half_a_permission_is_a_mistake_in_the_settings() -> None:
    assert grant_of(read_settings({})) is None
    with pytest.raises(SettingsError, match="EMAIL_OAUTH_CLIENT_ID is not set"):
        grant_of(read_settings({"EMAIL_OAUTH_TOKEN_URL": "https://provider.example/token"}))


# Reading


async def authenticate(session: Session, tag: str, arguments: str) -> None:
    """As Gmail does it: a token that is not good is explained first, and refused after an empty line."""
    said = base64.b64decode(arguments.split()[1]).decode()
    if said == "user=parley\x01auth=Bearer token2\x01\x01":
        return session.say(f"{tag} OK in\r\n")
    session.say("+ " + base64.b64encode(b'{"status":"400"}').decode() + "\r\n")
    assert await session.reader.readline() == b"\r\n"
    return session.say(f"{tag} NO [AUTHENTICATIONFAILED] no\r\n")


def test_I6_a_refused_token_is_replaced_at_the_next_login(provider: TokenServer) -> None:
    async def test() -> None:
        async with FakeImap({1: b"Subject: one\r\n\r\n"}, on={"AUTHENTICATE": authenticate}).serving() as server:
            mailbox = Mailbox(server.url, grant=Grant(provider.url, "client", "standing"), pace=QUICK)
            async with aclosing(cast(Any, mailbox.watch(None))) as items:
                assert isinstance(await anext(items), Positioned)
            assert len(server.said("AUTHENTICATE")) == 2
            assert server.said("LOGIN") == []

    asyncio.run(asyncio.wait_for(test(), 10))


@pytest.mark.parametrize(("status", "words"), [(400, "let the mailbox's owner consent again"), (503, "answers 503")])
def test_I6_why_there_is_no_token_is_said(provider: TokenServer, status: int, words: str) -> None:
    provider.status = status

    async def test() -> None:
        async with FakeImap().serving() as server:
            mailbox = Mailbox(server.url, grant=Grant(provider.url, "client", "standing"), pace=QUICK)
            async with aclosing(cast(Any, mailbox.watch(None))) as items:
                reading = asyncio.ensure_future(anext(items))
                while words not in mailbox.trouble:  # noqa: ASYNC110 - the mailbox tells nobody but whoever asks
                    await asyncio.sleep(0.01)
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    asyncio.run(asyncio.wait_for(test(), 10))


# Sending


class TokenSmtp:
    """An SMTP server that takes one token."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := (await reader.readline()).decode().strip():
            self.said.append(line)
            if line == "DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
            writer.write(self.answer(line))
        writer.close()

    def answer(self, line: str) -> bytes:
        if line.startswith("EHLO"):
            return b"250-here\r\n250 AUTH XOAUTH2\r\n"
        if line.startswith("AUTH XOAUTH2"):
            good = b"Bearer token2\x01" in base64.b64decode(line.split()[2])
            return b"235 in\r\n" if good else b"535 5.7.8 no\r\n"
        return b"250 fine\r\n"


def test_I6_mail_is_sent_with_a_token_and_a_refused_one_is_replaced(provider: TokenServer) -> None:
    grant = Grant(provider.url, "client", "standing")

    async def test() -> list[Outcome]:
        server = await asyncio.start_server(TokenSmtp().talk, "127.0.0.1", 0)
        url = f"smtp://parley@127.0.0.1:{server.sockets[0].getsockname()[1]}"
        outcomes = [await send(url, raw(), "p@example.com", ["a@example.com"], grant=grant) for _ in range(2)]
        provider.status = 400
        grant.forget()
        outcomes.append(await send(url, raw(), "p@example.com", ["a@example.com"], grant=grant))
        provider.status = 500
        outcomes.append(await send(url, raw(), "p@example.com", ["a@example.com"], grant=grant))
        server.close()
        return outcomes

    refused, sent, withdrawn, away = asyncio.run(asyncio.wait_for(test(), 10))
    assert isinstance(refused, Misconfigured)
    assert sent == Sent()
    assert isinstance(withdrawn, Misconfigured)
    assert "consent again" in withdrawn.why
    assert isinstance(away, Retry)
