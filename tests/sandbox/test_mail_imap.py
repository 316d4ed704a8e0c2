"""The sandbox's IMAP server, spoken to by the client that Parley uses."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from aioimaplib import aioimaplib

from tests.sandbox.mailside import AGENT, PASSWORD, Mailside


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Mailside]:
    with Mailside(tmp_path) as mail:
        yield mail


@asynccontextmanager
async def mailbox(far: Mailside) -> AsyncIterator[Any]:
    """A logged-in client with INBOX selected."""
    url = urlsplit(far.imap_url)
    client = aioimaplib.IMAP4(url.hostname, url.port, timeout=5)
    await client.wait_hello_from_server()
    assert (await client.login(unquote(url.username or ""), unquote(url.password or ""))).result == "OK"
    client.selected = await client.select(url.path.strip("/"))
    try:
        yield client
    finally:
        client.protocol.transport.abort()


def post(far: Mailside, text: str = "hello") -> None:
    far.send("ana@example.com", AGENT, "Hi", text)


async def uids(client: Any, *criteria: str) -> list[int]:
    found = await client.uid_search(*(criteria or ("ALL",)), charset=None)
    return [int(uid) for uid in found.lines[0].split()]


async def pushed(client: Any, line: bytes) -> None:
    """Returns when the server has said it; TimeoutError if it does not."""
    while line not in await client.wait_server_push(2):
        pass


def cursor(client: Any) -> tuple[int, int]:
    lines = b" ".join(client.selected.lines).decode()
    validity, following = re.search(r"UIDVALIDITY (\d+)", lines), re.search(r"UIDNEXT (\d+)", lines)
    assert validity
    assert following
    return int(validity[1]), int(following[1])


def test_a_delivery_wakes_an_idle_client_within_a_second(far: Mailside) -> None:
    async def idle() -> float:
        slowest = 0.0
        async with mailbox(far) as client:
            for count in (1, 2, 3):
                idling = await client.idle_start(timeout=20)
                posted = time.monotonic()
                await asyncio.to_thread(post, far)
                await pushed(client, b"%d EXISTS" % count)
                slowest = max(slowest, time.monotonic() - posted)
                client.idle_done()
                await idling
        return slowest

    assert asyncio.run(idle()) < 1


def test_what_came_between_a_look_and_idle_is_pushed_too(far: Mailside) -> None:
    async def idle() -> None:
        async with mailbox(far) as client:
            await asyncio.to_thread(post, far)
            await client.idle_start(timeout=20)
            await pushed(client, b"1 EXISTS")

    asyncio.run(idle())


def test_a_mail_is_found_and_fetched_as_it_was_stored(far: Mailside) -> None:
    post(far, "Grüße\n\n.\n)\n{12}\n* 1 EXISTS")
    post(far)

    async def fetch() -> tuple[list[int], list[int], bytes, bytes]:
        async with mailbox(far) as client:
            everything, newer = await uids(client), await uids(client, "UID", "2:*")
            fetched = await client.uid("fetch", "1", "(UID FLAGS RFC822.SIZE BODY.PEEK[])")
            return everything, newer, fetched.lines[0], bytes(fetched.lines[1])

    everything, newer, first, content = asyncio.run(fetch())

    assert (everything, newer) == ([1, 2], [2])
    assert content == far.raw(AGENT)[0]
    assert b"RFC822.SIZE %d" % len(content) in first
    assert b"\\Seen" not in first


def test_flags_and_folders_are_kept(far: Mailside) -> None:
    post(far)
    post(far)

    async def tidy() -> None:
        async with mailbox(far) as client:
            assert (await client.uid("store", "1", "+FLAGS", r"(\Seen)")).result == "OK"
            assert (await client.create("Done")).result == "OK"
            assert (await client.uid("move", "1", "Done")).result == "OK"
            assert await uids(client) == [2]
            await client.uid("store", "2", "+FLAGS", r"(\Deleted)")
            await client.expunge()
            assert await uids(client) == []

    async def look() -> tuple[tuple[int, int], list[int], bytes]:
        async with mailbox(far) as client:
            at = cursor(client)
            await client.select("Done")
            flags = await client.uid("fetch", "1", "(FLAGS)")
            return at, await uids(client), flags.lines[0]

    asyncio.run(tidy())
    (_, following), done, flags = asyncio.run(look())

    assert (following, done) == (3, [1])
    assert b"\\Seen" in flags


def test_a_hundred_mails_are_searched_in_one_go(far: Mailside) -> None:
    for _ in range(100):
        post(far)

    async def search() -> list[int]:
        async with mailbox(far) as client:
            return await uids(client, "UID", "51:*")

    assert asyncio.run(search()) == list(range(51, 101))


@pytest.mark.parametrize(("user", "password"), [(AGENT, "wrong"), ("ana@example.com", PASSWORD)])
def test_a_wrong_password_opens_nothing(far: Mailside, user: str, password: str) -> None:
    async def log_in() -> str:
        url = urlsplit(far.imap_url)
        client = aioimaplib.IMAP4(url.hostname, url.port, timeout=5)
        await client.wait_hello_from_server()
        answer = await client.login(user, password)
        client.protocol.transport.abort()
        return str(answer.result)

    assert asyncio.run(log_in()) == "NO"


def test_every_client_can_be_sent_away_and_come_back(far: Mailside) -> None:
    async def thrown_out() -> list[bytes]:
        async with mailbox(far) as client:
            await client.idle_start(timeout=20)
            await asyncio.to_thread(far.disconnect_imap)
            push: list[bytes] = await client.wait_server_push(5)
            return push

    async def back() -> str:
        async with mailbox(far) as client:
            return str(client.selected.result)

    assert asyncio.run(thrown_out())[0].startswith(b"BYE")
    assert asyncio.run(back()) == "OK"


def test_uids_and_their_validity_outlast_a_restart(tmp_path: Path) -> None:
    async def look(far: Mailside) -> tuple[tuple[int, int], list[int]]:
        async with mailbox(far) as client:
            return cursor(client), await uids(client)

    with Mailside(tmp_path) as far:
        post(far)
        post(far)
        before = asyncio.run(look(far))
    with Mailside(tmp_path) as far:
        after = asyncio.run(look(far))
        post(far)
        later = asyncio.run(look(far))

    assert before == after
    assert after[1] == [1, 2]
    assert later == ((before[0][0], 4), [1, 2, 3])
