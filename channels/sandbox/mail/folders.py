"""Folders as pymap wants them, over the store; whoever idles in one is told at once what arrived (RFC 2177)."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime

from pymap.backend.mailbox import MailboxDataInterface, MailboxSetInterface
from pymap.concurrent import Event
from pymap.exceptions import NotSupportedError
from pymap.flags import FlagOp
from pymap.interfaces.message import CachedMessage
from pymap.listtree import ListTree
from pymap.mailbox import MailboxSnapshot
from pymap.message import BaseLoadedMessage, BaseMessage
from pymap.mime import MessageContent
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import FetchRequirement, Flag, ObjectId
from pymap.parsing.specials.flag import Seen
from pymap.selected import SelectedMailbox, SelectedSet

from channels.sandbox.mail.store import Entry, Folder, Store


class Message(BaseMessage):
    """One mail of a folder; its content is read when it is asked for."""

    __slots__ = ["_folder", "_store"]

    def __init__(self, store: Store, folder: Folder, entry: Entry, *, expunged: bool = False) -> None:
        when = datetime.fromtimestamp(entry.at, UTC)
        super().__init__(entry.uid, when, [Flag(flag) for flag in entry.flags], expunged=expunged)
        self._store = store
        self._folder = folder

    async def load_content(self, requirement: FetchRequirement) -> BaseLoadedMessage:
        content = None
        if not requirement.has_none(FetchRequirement.CONTENT):
            raw = self._store.raw(self._folder, self.uid)
            content = MessageContent.parse(raw) if raw is not None else None
        return BaseLoadedMessage(self, requirement, content)


class Mailbox(MailboxDataInterface[Message]):
    """One folder as pymap wants it. The store holds everything but who is looking."""

    def __init__(self, store: Store, folder: Folder) -> None:
        self._store = store
        self._folder = folder
        self._selected = SelectedSet()
        self._changed = Event.for_asyncio()
        self._changes = 0

    def changed(self) -> None:
        """Wake whoever idles here."""
        self._changes += 1
        self._changed.set()

    @property
    def mailbox_id(self) -> ObjectId:
        return ObjectId(b"F%d" % self._folder.id)

    @property
    def readonly(self) -> bool:
        return False

    @property
    def uid_validity(self) -> int:
        return self._folder.uidvalidity

    @property
    def selected_set(self) -> SelectedSet:
        return self._selected

    async def update_selected(self, selected: SelectedMailbox, *, wait_on: Event | None = None) -> SelectedMailbox:
        if wait_on is not None and selected.mod_sequence == self._changes:
            # Nothing is awaited between this look and the wait, so no arrival slips through.
            await wait_on.or_event(self._changed).wait()
        if selected.mod_sequence == self._changes:
            selected.add_updates([], [])
        else:
            selected.mod_sequence = self._changes
            selected.set_messages(self._messages())
        return selected

    async def append(self, append_msg: AppendMessage, *, recent: bool = False) -> Message:
        at = append_msg.when.timestamp() if append_msg.when else time.time()
        uid = self._store.append(self._folder, bytes(append_msg.literal), at, map(str, append_msg.flag_set))
        self.changed()
        return self._message(uid)

    async def copy(self, uid: int, destination: "Mailbox", *, recent: bool = False) -> int | None:
        new = self._store.copy(self._folder, uid, destination._folder)
        destination.changed()
        return new

    async def move(self, uid: int, destination: "Mailbox", *, recent: bool = False) -> int | None:
        new = self._store.copy(self._folder, uid, destination._folder, move=True)
        self.changed()
        destination.changed()
        return new

    async def get(self, uid: int, cached_msg: CachedMessage) -> Message:
        entry = self._store.entry(self._folder, uid)
        return Message(self._store, self._folder, entry) if entry else self._gone(cached_msg)

    async def update(self, uid: int, cached_msg: CachedMessage, flag_set: frozenset[Flag], mode: FlagOp) -> Message:
        message = await self.get(uid, cached_msg)
        if message.expunged:
            return message
        self._store.flag(self._folder, uid, map(str, mode.apply(message.permanent_flags, flag_set)))
        self.changed()
        return await self.get(uid, cached_msg)

    async def delete(self, uids: Iterable[int]) -> None:
        self._store.delete(self._folder, uids)
        self.changed()

    async def claim_recent(self, selected: SelectedMailbox) -> None:
        """Nothing is ever recent here: RFC 9051 has given the flag up."""

    async def cleanup(self) -> None:
        """The store needs none."""

    async def snapshot(self) -> MailboxSnapshot:
        messages = self._messages()
        unseen = [seq for seq, message in enumerate(messages, 1) if Seen not in message.permanent_flags]
        return MailboxSnapshot(
            self.mailbox_id,
            self.readonly,
            self.uid_validity,
            self.permanent_flags,
            self.session_flags,
            exists=len(messages),
            recent=0,
            unseen=len(unseen),
            first_unseen=unseen[0] if unseen else None,
            next_uid=self._store.uidnext(self._folder),
        )

    def _messages(self) -> list[Message]:
        return [Message(self._store, self._folder, entry) for entry in self._store.entries(self._folder)]

    def _message(self, uid: int) -> Message:
        entry = self._store.entry(self._folder, uid)
        assert entry is not None
        return Message(self._store, self._folder, entry)

    def _gone(self, cached: CachedMessage) -> Message:
        entry = Entry(cached.uid, cached.internal_date.timestamp(), "in", False, frozenset())
        return Message(self._store, self._folder, entry, expunged=True)


class Folders(MailboxSetInterface[Mailbox]):
    """All folders of one account; every connection shares them."""

    def __init__(self, store: Store, owner: str) -> None:
        self.owner = owner
        self._store = store
        self._open: dict[int, Mailbox] = {}

    @property
    def delimiter(self) -> str:
        return "/"

    def inbox(self) -> Mailbox:
        return self._mailbox(self._store.folder(self.owner))

    async def set_subscribed(self, name: str, subscribed: bool) -> None:
        """Every folder counts as subscribed."""

    async def list_subscribed(self) -> ListTree:
        return await self.list_mailboxes()

    async def list_mailboxes(self) -> ListTree:
        return ListTree(self.delimiter).update("INBOX", *self._store.folders(self.owner))

    async def get_mailbox(self, name: str) -> Mailbox:
        return self._mailbox(self._store.folder(self.owner, "INBOX" if name.upper() == "INBOX" else name))

    async def add_mailbox(self, name: str) -> ObjectId:
        return self._mailbox(self._store.create_folder(self.owner, name)).mailbox_id

    async def delete_mailbox(self, name: str) -> None:
        self._store.delete_folder(self.owner, name)

    async def rename_mailbox(self, before: str, after: str) -> None:
        raise NotSupportedError("Folders keep their names here.")

    def _mailbox(self, folder: Folder) -> Mailbox:
        return self._open.setdefault(folder.id, Mailbox(self._store, folder))
