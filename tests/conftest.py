"""What more than one folder of tests needs."""

from collections.abc import Iterator

import pytest
from redis import Redis

from tests.servers import valkey
from workers.store import connect


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """One Valkey for the whole run; it keeps nothing on disk."""
    with valkey() as url:
        yield url


@pytest.fixture
def redis_url(valkey_url: str) -> str:
    """The URL of an empty Valkey."""
    with Redis.from_url(valkey_url) as client:
        client.flushdb()
    return valkey_url


@pytest.fixture
def client(redis_url: str) -> Iterator[Redis]:
    """A client of an empty Valkey."""
    with connect(redis_url, timeout=5.0) as client:
        yield client
