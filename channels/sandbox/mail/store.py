"""Every mailbox's mails in one SQLite file, on disk before anybody is told so."""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Literal

Direction = Literal["in", "out"]
SEEN = "\\Seen"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS folders (
    id INTEGER PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL,
    uidvalidity INTEGER NOT NULL, uidnext INTEGER NOT NULL DEFAULT 1, UNIQUE (owner, name)
);
CREATE TABLE IF NOT EXISTS mails (
    folder INTEGER NOT NULL REFERENCES folders ON DELETE CASCADE, uid INTEGER NOT NULL,
    at REAL NOT NULL, direction TEXT NOT NULL, message_id TEXT NOT NULL, repeated INTEGER NOT NULL,
    flags TEXT NOT NULL, raw BLOB NOT NULL, PRIMARY KEY (folder, uid)
);
CREATE INDEX IF NOT EXISTS mails_by_message_id ON mails (folder, message_id);
CREATE TABLE IF NOT EXISTS stranded (
    id INTEGER PRIMARY KEY, sender TEXT NOT NULL, recipient TEXT NOT NULL, at REAL NOT NULL, raw BLOB NOT NULL
);
"""


@dataclass(frozen=True)
class Folder:
    id: int
    name: str
    uidvalidity: int


@dataclass(frozen=True)
class Entry:
    """What the index knows of a mail. `repeated`: its Message-ID had been delivered to this folder before."""

    uid: int
    at: float
    direction: Direction
    repeated: bool
    flags: frozenset[str]


@dataclass(frozen=True)
class Copy:
    """A mail on its way into somebody's INBOX."""

    owner: str
    raw: bytes
    direction: Direction = "in"


@dataclass(frozen=True)
class Lost:
    """A recipient whom an accepted mail cannot reach."""

    sender: str
    recipient: str
    raw: bytes


@dataclass(frozen=True)
class Stranded(Lost):
    """A lost mail that still has to go back to its sender."""

    id: int
    at: float


class Store:
    """Mails by owner, folder and UID. UIDs are never used twice and UIDVALIDITY never changes (RFC 9051, section 2.3.1.1)."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    def keep(self, copies: Sequence[Copy], lost: Iterable[Lost] = (), *, answered: Stranded | None = None) -> None:
        """Keep one mail: its copies, and whom it cannot reach; all of it is on disk when this returns.

        `answered` is the stranded mail that the copies give back to its sender.
        """
        now = time.time()
        with self._transaction():
            folders = [self.folder(copy.owner) for copy in copies]
            repeated = [self._knows(folder, copy) for folder, copy in zip(folders, copies, strict=True)]
            for folder, copy, again in zip(folders, copies, repeated, strict=True):
                self._add(folder.id, copy.raw, now, copy.direction, SEEN if copy.direction == "out" else "", again)
            rows = [(mail.sender, mail.recipient, now, mail.raw) for mail in lost]
            self._db.executemany("INSERT INTO stranded (sender, recipient, at, raw) VALUES (?, ?, ?, ?)", rows)
            if answered:
                self._db.execute("DELETE FROM stranded WHERE id = ?", (answered.id,))

    def stranded(self) -> list[Stranded]:
        rows = self._db.execute("SELECT sender, recipient, raw, id, at FROM stranded ORDER BY id")
        return [Stranded(*row) for row in rows]

    def folder(self, owner: str, name: str = "INBOX") -> Folder:
        """The folder; an INBOX comes into being when it is first looked at. KeyError where there is none."""
        row = self._db.execute(
            "SELECT id, name, uidvalidity FROM folders WHERE owner = ? AND name = ?", (owner, name)
        ).fetchone()
        if row:
            return Folder(*row)
        if name == "INBOX":
            return self.create_folder(owner, name)
        raise KeyError(name)

    def folders(self, owner: str) -> list[str]:
        return [name for (name,) in self._db.execute("SELECT name FROM folders WHERE owner = ? ORDER BY id", (owner,))]

    def create_folder(self, owner: str, name: str) -> Folder:
        """ValueError where it exists."""
        try:
            self._db.execute(
                "INSERT INTO folders (owner, name, uidvalidity) VALUES (?, ?, ?)", (owner, name, _uidvalidity())
            )
        except sqlite3.IntegrityError as error:
            raise ValueError(name) from error
        return self.folder(owner, name)

    def delete_folder(self, owner: str, name: str) -> None:
        self._db.execute("DELETE FROM folders WHERE id = ?", (self.folder(owner, name).id,))

    def uidnext(self, folder: Folder) -> int:
        row = self._db.execute("SELECT uidnext FROM folders WHERE id = ?", (folder.id,)).fetchone()
        return int(row[0]) if row else 1

    def entries(self, folder: Folder) -> list[Entry]:
        """All of a folder, by UID."""
        rows = self._db.execute(
            "SELECT uid, at, direction, repeated, flags FROM mails WHERE folder = ? ORDER BY uid", (folder.id,)
        )
        return [_entry(*row) for row in rows]

    def entry(self, folder: Folder, uid: int) -> Entry | None:
        row = self._db.execute(
            "SELECT uid, at, direction, repeated, flags FROM mails WHERE folder = ? AND uid = ?", (folder.id, uid)
        ).fetchone()
        return _entry(*row) if row else None

    def raw(self, folder: Folder, uid: int) -> bytes | None:
        row = self._db.execute("SELECT raw FROM mails WHERE folder = ? AND uid = ?", (folder.id, uid)).fetchone()
        return bytes(row[0]) if row else None

    def flag(self, folder: Folder, uid: int, flags: Iterable[str]) -> None:
        words = " ".join(sorted(flags))
        self._db.execute("UPDATE mails SET flags = ? WHERE folder = ? AND uid = ?", (words, folder.id, uid))

    def append(self, folder: Folder, raw: bytes, at: float, flags: Iterable[str]) -> int:
        """Add what its owner puts there; answers its UID."""
        with self._transaction():
            return self._add(folder.id, raw, at, "out", " ".join(sorted(flags)), repeated=False)

    def copy(self, source: Folder, uid: int, target: Folder, *, move: bool = False) -> int | None:
        """Copy or move a mail; answers its new UID, None if it is gone."""
        with self._transaction():
            row = self._db.execute(
                "SELECT raw, at, direction, flags, repeated FROM mails WHERE folder = ? AND uid = ?", (source.id, uid)
            ).fetchone()
            if row is None:
                return None
            if move:
                self._db.execute("DELETE FROM mails WHERE folder = ? AND uid = ?", (source.id, uid))
            return self._add(target.id, *row)

    def delete(self, folder: Folder, uids: Iterable[int]) -> None:
        with self._transaction():
            self._db.executemany("DELETE FROM mails WHERE folder = ? AND uid = ?", [(folder.id, uid) for uid in uids])

    def _add(self, folder: int, raw: bytes, at: float, direction: str, flags: str, repeated: bool) -> int:
        (uid,) = self._db.execute(
            "UPDATE folders SET uidnext = uidnext + 1 WHERE id = ? RETURNING uidnext - 1", (folder,)
        ).fetchone()
        row = (folder, uid, at, direction, message_id(raw), repeated, flags, raw)
        self._db.execute("INSERT INTO mails VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return int(uid)

    def _knows(self, folder: Folder, copy: Copy) -> bool:
        identity = (folder.id, message_id(copy.raw), copy.direction)
        sql = "SELECT 1 FROM mails WHERE folder = ? AND message_id = ? AND message_id <> '' AND direction = ?"
        return self._db.execute(sql, identity).fetchone() is not None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def message_id(raw: bytes) -> str:
    """The Message-ID as it is written, with its brackets; empty if there is none."""
    header = raw.partition(b"\r\n\r\n")[0]
    return str(BytesHeaderParser().parsebytes(header).get("Message-ID", "")).strip()


def _entry(uid: int, at: float, direction: Direction, repeated: int, flags: str) -> Entry:
    return Entry(uid, at, direction, bool(repeated), frozenset(flags.split()))


def _uidvalidity() -> int:
    return int(time.time())
