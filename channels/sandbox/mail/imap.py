"""The IMAP server: pymap's protocol for the one account of the agent, on a port of the loopback address."""

import asyncio
import ssl
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from proxyprotocol.sock import SocketInfoLocal
from pymap.backend.session import BaseSession
from pymap.concurrent import Subsystem
from pymap.config import BackendCapability, IMAPConfig
from pymap.exceptions import AuthorizationFailure, InvalidAuth
from pymap.imap import IMAPServer
from pymap.interfaces.login import LoginInterface
from pysasl.creds.server import ServerCredentials
from pysasl.hashing import Cleartext
from pysasl.identity import ClearIdentity

from channels.sandbox.mail.folders import Folders, Message


class ImapServer:
    """Lets the owner of `folders` in, and throws everybody out on demand."""

    def __init__(self, folders: Folders, password: str, hostname: str) -> None:
        config = _Config(hostname)
        # Of LoginInterface only these two calls are made: tokens and user administration are other services of pymap.
        login = cast(LoginInterface, _Login(config, folders, password))
        self._serve = IMAPServer(login, config)
        self._clients: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> int:
        """Listen; answers the port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            await self.disconnect_all()
            await self._server.wait_closed()

    async def disconnect_all(self) -> None:
        """Say BYE to every client and hang up."""
        clients = list(self._clients)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = cast("asyncio.Task[None]", asyncio.current_task())
        self._clients.add(client)
        client.add_done_callback(self._clients.discard)
        await self._serve(reader, writer, SocketInfoLocal(writer))


class _Login:
    """The one account, as pymap's login and its identity."""

    def __init__(self, config: "_Config", folders: Folders, password: str) -> None:
        self._config = config
        self._folders = folders
        self._identity = ClearIdentity(folders.owner, password)

    async def authenticate(self, credentials: ServerCredentials) -> "_Login":
        if not credentials.verify(self._identity):
            raise InvalidAuth
        return self

    async def authorize(self, authenticated: "_Login", authzid: str) -> "_Login":
        if authzid != self._folders.owner:
            raise AuthorizationFailure
        return self

    @asynccontextmanager
    async def new_session(self) -> AsyncIterator["_Session"]:
        yield _Session(self._config, self._folders)


class _Config(IMAPConfig):
    """Plain text on the loopback address, one account, no certificate."""

    def __init__(self, hostname: str) -> None:
        super().__init__(
            Namespace(passlib_cfg=None, proxy_protocol=None),
            host="127.0.0.1",
            port=0,
            ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
            tls_enabled=False,
            hash_context=Cleartext(),
            cpu_subsystem=Subsystem.for_asyncio(),
        )
        self._hostname = hostname

    @property
    def backend_capability(self) -> BackendCapability:
        return BackendCapability(idle=True, object_id=False, multi_append=True)

    @property
    def greeting(self) -> bytes:
        return f"Parley sandbox {self._hostname}".encode()


class _Session(BaseSession[Message]):
    def __init__(self, config: _Config, folders: Folders) -> None:
        super().__init__(folders.owner)
        self._config = config
        self._folders = folders

    @property
    def config(self) -> _Config:
        return self._config

    @property
    def mailbox_set(self) -> Folders:
        return self._folders
