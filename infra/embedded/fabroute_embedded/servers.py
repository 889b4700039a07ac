"""Both servers together, for as long as a ``with`` block lasts."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fabroute_embedded.folders import create_runtime_folder
from fabroute_embedded.postgres import PostgresServer, start_postgres, stop_postgres
from fabroute_embedded.redis import RedisServer, start_redis, stop_redis


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedServers:
    """PostgreSQL and Redis, running in one private folder."""

    folder: Path
    postgres: PostgresServer
    redis: RedisServer

    @property
    def database_url(self) -> str:
        """PostgreSQL as the application uses it."""
        return self.postgres.database_url

    @property
    def migration_url(self) -> str:
        """PostgreSQL as the owner of the tables."""
        return self.postgres.migration_url

    @property
    def broker_url(self) -> str:
        """Redis as Celery takes it."""
        return self.redis.url


@contextmanager
def embedded_servers(*, keep: bool = False, durable: bool = True) -> Iterator[EmbeddedServers]:
    """Start PostgreSQL and Redis in a new 0700 folder; stop both and delete the folder at the end.

    With ``keep`` they outlive the block and this process until ``stop_embedded_servers(folder)``, unless the block
    fails: then they go as well. Without ``durable`` (for tests) the data lie in memory where there is room, and needn't
    survive the machine. Call it in the main thread.
    """
    with ExitStack() as cleanup:
        runtime = create_runtime_folder(keep=keep, in_memory=not durable)
        cleanup.callback(runtime.delete)
        postgres = start_postgres(runtime.path / "postgres", keep=keep, durable=durable)
        cleanup.callback(postgres.stop)
        redis = start_redis(runtime.path / "redis", keep=keep)
        cleanup.callback(redis.stop)
        yield EmbeddedServers(folder=runtime.path, postgres=postgres, redis=redis)
        if keep:
            cleanup.pop_all()


def stop_embedded_servers(folder: Path) -> bool:
    """Stop the servers that were kept in ``folder`` and delete it; False if none was running there."""
    stopped = [stop_redis(folder / "redis"), stop_postgres(folder / "postgres")]
    if any(stopped):
        shutil.rmtree(folder, ignore_errors=True)
    return any(stopped)
