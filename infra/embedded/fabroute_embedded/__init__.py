"""PostgreSQL and Redis out of wheels, for demos and tests: private to their owner, gone when the owner is gone.

Never for production: PostgreSQL trusts whoever reaches its folder, and the wheel's Redis 6.2 is behind on security.
"""

from fabroute_embedded.errors import EmbeddedServerError
from fabroute_embedded.postgres import DatabaseUrls, PostgresServer, start_postgres, stop_postgres
from fabroute_embedded.redis import RedisServer, start_redis, stop_redis
from fabroute_embedded.servers import EmbeddedServers, embedded_servers, stop_embedded_servers

__all__ = [
    "DatabaseUrls",
    "EmbeddedServerError",
    "EmbeddedServers",
    "PostgresServer",
    "RedisServer",
    "embedded_servers",
    "start_postgres",
    "start_redis",
    "stop_embedded_servers",
    "stop_postgres",
    "stop_redis",
]
