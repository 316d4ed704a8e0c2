"""New mails arrive, each once, whatever the mail server does; a doubtful connection is never used again."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import Any, cast

import pytest

from channels.email.imap import Arrived, Cursor, Mailbox, Pace, Positioned, backoff
from tests.email.fake_imap import FakeImap, HangUp, Session
from tests.sandbox.mailside import Mailside

QUICK = Pace(timeout=0.5, idle=0.4, poll=0.05, first_look=0.1, retry=0.01, longest_retry=0.05, refused=0.05)
ONE, TWO, THREE = (f"Subject: {number}\r\n\r\nhello\r\n".encode() for number in ("one", "two", "three"))


def _run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 20))


async def _take(
    mailbox: Mailbox, cursor: Cursor | None, count: int, meanwhile: Callable[[], object] = lambda: None
) -> list[Arrived]:
    """The next mails after the cursor; `meanwhile` happens once the mailbox was looked at."""
    found: list[Arrived] = []
    acted = False
    async with aclosing(cast(Any, mailbox.watch(cursor))) as items:
        async for item in items:
            if isinstance(item, Arrived):
                found.append(item)
            if not acted:
                acted = True
                asyncio.get_running_loop().call_later(0.05, meanwhile)
            if len(found) >= count:
                break
    return found


def _raws(found: list[Arrived]) -> list[bytes | None]:
    return [item.raw for item in found]


# I1, I2, I3: the cursor


def test_I1_the_first_start_reads_from_now_on_and_says_where_that_is() -> None:
    async def test() -> None:
        async with FakeImap({1: ONE}).serving() as server:
            items = cast(AsyncIterator[object], Mailbox(server.url, pace=QUICK).watch(None))
            assert await anext(items) == Positioned(Cursor(7, 1))
            server.deliver(TWO)
            assert await anext(items) == Arrived(Cursor(7, 2), len(TWO), TWO)
            await cast(Any, items).aclose()

    _run(test())


def test_I1_the_first_start_may_read_the_whole_mailbox() -> None:
    async def test() -> None:
        async with FakeImap({1: ONE, 2: TWO}).serving() as server:
            assert _raws(await _take(Mailbox(server.url, from_start=True, pace=QUICK), None, 2)) == [ONE, TWO]

    _run(test())


def test_I1_a_restart_goes_on_where_it_was() -> None:
    async def test() -> None:
        async with FakeImap({1: ONE, 2: TWO, 3: THREE}).serving() as server:
            assert _raws(await _take(Mailbox(server.url, pace=QUICK), Cursor(7, 1), 2)) == [TWO, THREE]

    _run(test())


def test_I1_after_a_change_of_uidvalidity_the_last_days_are_read_again() -> None:
    async def test() -> None:
        async with FakeImap({1: ONE, 2: TWO}).serving() as server:
            found = await _take(Mailbox(server.url, pace=QUICK), Cursor(6, 40), 2)
            assert [item.cursor for item in found] == [Cursor(7, 1), Cursor(7, 2)]
            assert any("SINCE" in each for each in server.said("SEARCH"))

    _run(test())


def test_I1_after_a_rescan_the_cursor_stands_at_the_end_even_if_nothing_was_recent() -> None:
    async def nothing(session: Session, tag: str, arguments: str) -> None:
        session.say(f"* SEARCH\r\n{tag} OK done\r\n")

    async def test() -> None:
        async with FakeImap({1: ONE, 2: TWO}, on={"SEARCH": nothing}).serving() as server:
            items = cast(AsyncIterator[object], Mailbox(server.url, pace=QUICK).watch(Cursor(6, 40)))
            assert await anext(items) == Positioned(Cursor(7, 2))
            await cast(Any, items).aclose()

    _run(test())


def test_I2_the_last_mail_is_not_taken_for_a_new_one() -> None:
    async def test() -> None:
        async with FakeImap({1: ONE}).serving() as server:
            found = await _take(Mailbox(server.url, pace=QUICK), Cursor(7, 0), 2, lambda: server.deliver(TWO))
            assert _raws(found) == [ONE, TWO]

    _run(test())


def test_I3_a_cursor_is_one_short_text() -> None:
    assert Cursor.read(str(Cursor(7, 12))) == Cursor(7, 12)


# The table of what servers and aioimaplib do


def _once(
    first: Callable[[Session, str, str], Awaitable[None]], name: str
) -> Callable[[Session, str, str], Awaitable[None]]:
    """Misbehave the first time, then answer as usual."""
    times: list[int] = []

    async def answer(session: Session, tag: str, arguments: str) -> None:
        times.append(1)
        if len(times) == 1:
            await first(session, tag, arguments)
        else:
            await getattr(Session, name)(session, tag, arguments)

    return answer


async def _hangs_up(session: Session, tag: str, arguments: str) -> None:
    raise HangUp


async def _says_nothing(session: Session, tag: str, arguments: str) -> None:
    await asyncio.sleep(0)


async def _says_bye(session: Session, tag: str, arguments: str) -> None:
    session.say("+ idling\r\n* BYE shutting down\r\n")
    await session.reader.readline()


async def _drops_while_idling(session: Session, tag: str, arguments: str) -> None:
    session.say("+ idling\r\n")
    await session.writer.drain()
    raise HangUp


@pytest.mark.parametrize(
    ("command", "misbehaviour"),
    [
        pytest.param("IDLE", _hangs_up, id="row 1: closes instead of idling"),
        pytest.param("IDLE", _drops_while_idling, id="row 2: drops during IDLE"),
        pytest.param("IDLE", _says_bye, id="row 2b: BYE during IDLE"),
        pytest.param("SELECT", _hangs_up, id="row 3: lost before a command"),
        pytest.param("IDLE", _says_nothing, id="row 6: IDLE without an answer"),
        pytest.param("SEARCH", _says_nothing, id="row 6: SEARCH without an answer"),
        pytest.param("SELECT", _says_nothing, id="row 6: SELECT without an answer"),
        pytest.param("FETCH", _says_nothing, id="row 6: FETCH without an answer"),
        pytest.param("LOGIN", _says_nothing, id="row 6: LOGIN without an answer"),
        pytest.param("CAPABILITY", _hangs_up, id="lost while greeting"),
    ],
)
def test_a_doubtful_connection_is_given_up_and_no_mail_is_lost(
    command: str, misbehaviour: Callable[..., Awaitable[None]]
) -> None:
    async def test() -> None:
        server = FakeImap({1: ONE})
        server.on[command] = _once(misbehaviour, f"{command.lower()}_")
        async with server.serving():
            mailbox = Mailbox(server.url, pace=QUICK)
            found = await _take(
                mailbox, Cursor(7, 0), 2, lambda: asyncio.get_running_loop().call_later(0.8, server.deliver, TWO)
            )
            assert _raws(found) == [ONE, TWO]
            assert len(server.sessions) == 2

    _run(test())


@pytest.mark.parametrize("misbehaviour", [_drops_while_idling, _says_bye], ids=["row 2", "row 2b"])
def test_a_lost_connection_is_noticed_at_once(misbehaviour: Callable[..., Awaitable[None]]) -> None:
    async def test() -> None:
        server = FakeImap({1: ONE})
        server.on["IDLE"] = _once(misbehaviour, "idle_")
        patient = Pace(timeout=30, idle=30, first_look=30, retry=0.01, longest_retry=0.05)
        async with server.serving():
            started = time.monotonic()
            await _take(Mailbox(server.url, pace=patient), Cursor(7, 0), 2, lambda: server.deliver(TWO))
            assert time.monotonic() - started < 5

    _run(test())


def test_row_5_many_mails_are_asked_for_in_small_batches() -> None:
    async def test() -> None:
        async with FakeImap(dict.fromkeys(range(1, 1_501), ONE)).serving() as server:
            found = await _take(Mailbox(server.url, pace=Pace()), Cursor(7, 0), 1_500)
            assert [item.cursor.uid for item in found] == list(range(1, 1_501))
            assert max(each.count(",") + 1 for each in server.said("FETCH")) == 200
            assert len(server.sessions) == 1

    _run(test())


def test_row_6_a_late_answer_to_fetch_is_not_waited_for_on_the_same_connection() -> None:
    async def late(session: Session, tag: str, arguments: str) -> None:
        await asyncio.sleep(0.7)
        await session.fetch_(tag, arguments)

    async def test() -> None:
        server = FakeImap({1: ONE})
        server.on["FETCH"] = _once(late, "fetch_")
        async with server.serving():
            assert _raws(await _take(Mailbox(server.url, pace=QUICK), Cursor(7, 0), 1)) == [ONE]
            assert len(server.sessions) == 2

    _run(test())


def test_row_7_nothing_is_asked_for_that_aioimaplib_garbles() -> None:
    async def test() -> None:
        async with FakeImap({1: ONE}).serving() as server:
            await _take(Mailbox(server.url, pace=QUICK), Cursor(7, 0), 1)
            assert [each.partition("(")[2] for each in server.said("FETCH")] == ["UID RFC822.SIZE)", "UID BODY.PEEK[])"]

    _run(test())


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("", id="row 9: vanished"),
        pytest.param("* 1 FETCH (UID 1 BODY[] NIL)\r\n", id="row 12: NIL"),
        pytest.param('* 1 FETCH (UID 1 BODY[] "")\r\n', id="empty"),
        pytest.param("* 1 EXPUNGE\r\n", id="expunged meanwhile"),
    ],
)
def test_a_mail_that_is_gone_is_passed_over(answer: str) -> None:
    async def gone(session: Session, tag: str, arguments: str) -> None:
        if "BODY" in arguments and arguments.startswith("1 "):
            session.say(f"{answer}{tag} OK done\r\n")
        else:
            await session.fetch_(tag, arguments)

    async def test() -> None:
        async with FakeImap({1: ONE, 2: TWO}, on={"FETCH": gone}).serving() as server:
            assert _raws(await _take(Mailbox(server.url, pace=QUICK), Cursor(7, 0), 1)) == [TWO]
            assert len(server.sessions) == 1

    _run(test())


def test_row_10_a_mail_may_hold_what_looks_like_the_servers_answers() -> None:
    nasty = b"Subject: )\r\n\r\n{12}\r\nA1 OK done\r\n* BYE\r\n* 1 FETCH (UID 9 BODY[] {3}\r\n)))((\r\n+ idling\r\n"

    async def slowly(session: Session, tag: str, arguments: str) -> None:
        if "SIZE" in arguments:
            await session.fetch_(tag, arguments)
            return
        answer = f"* 1 FETCH (UID 1 BODY[] {{{len(nasty)}}}\r\n".encode() + nasty + f")\r\n{tag} OK done\r\n".encode()
        for at in range(len(answer)):
            session.say(answer[at : at + 1])
            await session.writer.drain()
            await asyncio.sleep(0)

    async def test() -> None:
        async with FakeImap({1: nasty}, on={"FETCH": slowly}).serving() as server:
            assert _raws(await _take(Mailbox(server.url, pace=QUICK), Cursor(7, 0), 1)) == [nasty]

    _run(test())


def test_row_11_unasked_answers_do_no_harm() -> None:
    async def chatty(session: Session, tag: str, arguments: str) -> None:
        session.say("* 9 EXISTS\r\n* 1 FETCH (FLAGS (\\Seen))\r\n* 2 EXPUNGE\r\n* OK still here\r\n")
        await session.fetch_(tag, arguments)

    async def test() -> None:
        async with FakeImap({1: ONE, 2: TWO}, on={"FETCH": chatty}).serving() as server:
            assert _raws(await _take(Mailbox(server.url, pace=QUICK), Cursor(7, 0), 2)) == [ONE, TWO]

    _run(test())


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"greeting": b""}, "gave no answer to the greeting in time"),
        ({"greeting": b"* BYE too busy\r\n"}, "the greeting"),
        ({"capabilities": "IMAP4rev1 LOGINDISABLED"}, "imaps://"),
    ],
)
def test_row_13_a_server_that_does_not_let_us_in_is_told_about(changes: dict[str, Any], trouble: str) -> None:
    async def test() -> None:
        async with FakeImap({1: ONE}, **changes).serving() as server:
            mailbox = Mailbox(server.url, pace=QUICK)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(_take(mailbox, Cursor(7, 0), 1), 1)
            assert trouble in mailbox.trouble
            assert not mailbox.healthy(time.time())

    _run(test())


def test_row_13_a_wrong_password_is_another_trouble_than_a_lost_connection() -> None:
    async def test() -> None:
        async with FakeImap({1: ONE}).serving() as server:
            mailbox = Mailbox(server.url.replace("secret", "wrong"), pace=Pace(timeout=1, retry=0.01, refused=30))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(_take(mailbox, Cursor(7, 0), 1), 0.5)
            assert "refuses the user or the password" in mailbox.trouble
            assert "wrong" not in mailbox.trouble
            assert len(server.sessions) == 1

    _run(test())


def test_row_13_a_server_that_is_not_there_is_tried_again() -> None:
    async def test() -> None:
        mailbox = Mailbox("imap://a:b@127.0.0.1:1/INBOX", pace=QUICK)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_take(mailbox, Cursor(7, 0), 1), 0.3)
        assert "could not be reached" in mailbox.trouble

    _run(test())


def test_row_14_of_a_mail_over_the_limit_only_the_head_is_fetched() -> None:
    large = b"Subject: large\r\n\r\n" + b"x" * 5_000

    async def test() -> None:
        async with FakeImap({1: large, 2: TWO}).serving() as server:
            [first, second] = await _take(Mailbox(server.url, limit=1_000, pace=QUICK), Cursor(7, 0), 2)
            assert (first.raw, first.size, first.whole) == (b"Subject: large\r\n\r\n", len(large), False)
            assert second.whole

    _run(test())


def test_I3_a_mail_that_the_server_never_gives_does_not_hold_up_the_others() -> None:
    async def refuses(session: Session, tag: str, arguments: str) -> None:
        if "BODY" in arguments and arguments.startswith("1 "):
            session.say(f"{tag} NO [SERVERBUG] internal error\r\n")
        else:
            await session.fetch_(tag, arguments)

    async def test() -> None:
        async with FakeImap({1: ONE, 2: TWO}, on={"FETCH": refuses}).serving() as server:
            found = await _take(Mailbox(server.url, pace=QUICK), Cursor(7, 0), 2)
            assert _raws(found) == [None, TWO]
            assert len(server.sessions) == 4

    _run(test())


# I4 to I8


def test_I4_mails_are_not_marked_as_read() -> None:
    async def test() -> None:
        async with FakeImap({1: ONE}).serving() as server:
            await _take(Mailbox(server.url, pace=QUICK), Cursor(7, 0), 1)
            assert all("BODY.PEEK" in each or "SIZE" in each for each in server.said("FETCH"))
            assert not server.said("STORE")

    _run(test())


def test_I5_idle_is_renewed_and_the_mailbox_searched_each_time() -> None:
    async def test() -> None:
        async with FakeImap({1: ONE}).serving() as server:
            # No push tells of the second mail: it is found at the next renewal.
            await _take(Mailbox(server.url, pace=QUICK), Cursor(7, 0), 2, lambda: server.mails.setdefault(2, TWO))
            assert server.said("DONE")
            assert len(server.sessions) == 1

    _run(test())


def test_I5_a_push_is_answered_at_once() -> None:
    async def test() -> None:
        async with FakeImap({1: ONE}).serving() as server:
            started = time.monotonic()
            await _take(Mailbox(server.url, pace=Pace()), Cursor(7, 0), 2, lambda: server.deliver(TWO))
            assert time.monotonic() - started < 2

    _run(test())


@pytest.mark.parametrize("capabilities", ["IMAP4rev1", "IMAP4rev1 IDLE"])
def test_I5_without_idle_the_mailbox_is_polled(capabilities: str) -> None:
    async def refused(session: Session, tag: str, arguments: str) -> None:
        session.say(f"{tag} BAD no\r\n")

    async def test() -> None:
        async with FakeImap({1: ONE}, capabilities=capabilities, on={"IDLE": refused}).serving() as server:
            found = await _take(
                Mailbox(server.url, pace=QUICK), Cursor(7, 0), 2, lambda: server.mails.setdefault(2, TWO)
            )
            assert _raws(found) == [ONE, TWO]
            assert len(server.said("IDLE")) <= 1

    _run(test())


def test_I6_waiting_grows_up_to_five_minutes() -> None:
    delays = [backoff(failures, Pace()) for failures in range(12)]
    assert 0.75 <= delays[0] <= 1
    assert all(225 <= delay <= 300 for delay in delays[9:])
    assert backoff(10_000, Pace()) <= 300


@pytest.mark.parametrize(("capabilities", "times"), [("IMAP4rev1 IDLE ID", 1), ("IMAP4rev1 IDLE", 0)])
def test_I7_we_introduce_ourselves_only_where_that_is_known(capabilities: str, times: int) -> None:
    async def test() -> None:
        async with FakeImap({1: ONE}, capabilities=capabilities).serving() as server:
            await _take(Mailbox(server.url, pace=QUICK), Cursor(7, 0), 1)
            assert len(server.said("ID (")) == times

    _run(test())


def test_I8_health_is_the_time_of_the_last_look() -> None:
    async def test() -> None:
        async with FakeImap({1: ONE}).serving() as server:
            mailbox = Mailbox(server.url, pace=QUICK)
            assert not mailbox.healthy(time.time())
            await _take(mailbox, Cursor(7, 0), 2, lambda: server.deliver(TWO))
            assert mailbox.healthy(time.time())
            assert not mailbox.healthy(time.time() + 10)

    _run(test())


def test_user_and_password_are_quoted_and_decoded() -> None:
    async def test() -> None:
        async with FakeImap({1: ONE}, password='pa\\"ss').serving() as server:
            url = f"imap://par%20ley%40x:pa%22ss@127.0.0.1:{server.port}/INBOX"
            await _take(Mailbox(url, pace=QUICK), Cursor(7, 0), 1)
            assert server.said("LOGIN") == ['LOGIN "par ley@x" "pa\\"ss"']

    _run(test())


def test_nothing_is_left_running_when_one_stops_watching() -> None:
    async def test() -> None:
        async with FakeImap({1: ONE}).serving() as server:
            before = len(asyncio.all_tasks())
            await _take(Mailbox(server.url, pace=QUICK), Cursor(7, 0), 1)
            await asyncio.sleep(0.05)
            assert len(asyncio.all_tasks()) <= before
            assert all(session.reader.at_eof() for session in server.sessions)

    _run(test())


# A real server


def test_mails_of_a_real_server_arrive_within_a_moment(tmp_path: Any) -> None:
    with Mailside(tmp_path) as mail:

        async def test() -> None:
            mailbox = Mailbox(mail.imap_url)
            items = cast(AsyncIterator[object], mailbox.watch(None))
            first = await anext(items)
            assert isinstance(first, Positioned)
            coming = asyncio.ensure_future(anext(items))
            await asyncio.sleep(0.3)
            await asyncio.to_thread(mail.send, "ana@example.com", "parley@example.com", "api is slow", "Hello Parley")
            started = time.monotonic()
            found = await coming
            assert time.monotonic() - started < 3
            assert isinstance(found, Arrived)
            assert b"Hello Parley" in (found.raw or b"")
            coming = asyncio.ensure_future(anext(items))
            await asyncio.to_thread(mail.disconnect_imap)
            await asyncio.to_thread(mail.send, "ben@example.com", "support@example.com", "again", "Second")
            while not isinstance(again := await coming, Arrived):
                coming = asyncio.ensure_future(anext(items))
            assert b"Second" in (again.raw or b"")
            await cast(Any, items).aclose()

        _run(test())
