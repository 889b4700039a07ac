"""What lies in the queues of a test's own Redis."""

import json

import redis

from fabroute_embedded.redis import RedisServer


def queued_tasks(broker: RedisServer, queue: str) -> list[str]:
    """Return the tasks whose errands wait in a queue, sorted by name."""
    with redis.Redis(unix_socket_path=str(broker.socket_path), decode_responses=True) as client:
        messages = client.lrange(queue, 0, -1)
    return sorted(str(json.loads(message)["headers"]["task"]) for message in messages)
