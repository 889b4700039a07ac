import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kombu import Connection
from redis import Redis

from fabroute_embedded import EmbeddedServerError, EmbeddedServers, RedisServer, start_redis, stop_redis


@contextmanager
def running(folder: Path) -> Iterator[RedisServer]:
    server = start_redis(folder)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def client_of(server: RedisServer) -> Iterator[Redis]:
    client = Redis(unix_socket_path=str(server.socket_path), decode_responses=True)
    try:
        yield client
    finally:
        client.close()


def test_settings_refuse_rather_than_forget_and_write_down_what_arrives(servers: EmbeddedServers) -> None:
    expected = {
        "port": "0",
        "unixsocketperm": "700",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "dir": str(servers.folder / "redis"),
    }
    with client_of(servers.redis) as client:
        assert {name: client.config_get(name)[name] for name in expected} == expected
        assert client.info("server")["process_id"] == servers.redis.pid


def test_celery_reaches_it_even_in_a_folder_with_spaces(runtime_folder: Path) -> None:
    with running(runtime_folder / "my first broker") as server, Connection(server.url) as connection:
        queue = connection.SimpleQueue("bells")
        queue.put({"ring": 1})
        message = queue.get(timeout=5)
        assert message.payload == {"ring": 1}
        message.ack()
        queue.close()
    assert "my%20first%20broker" in server.url


def test_flushing_forgets_everything(servers: EmbeddedServers) -> None:
    servers.redis.flush()  # of what other tests of this process left there
    with client_of(servers.redis) as client:
        client.set("bell", "ringing")
        assert client.dbsize() == 1
        servers.redis.flush()
        assert client.dbsize() == 0


def test_flushing_a_server_that_is_gone_points_to_its_log(runtime_folder: Path) -> None:
    with running(runtime_folder / "redis") as server:
        pass
    with pytest.raises(ConnectionError, match=r"did not flush: see .*redis\.log"):
        server.flush()
    assert "Redis is now ready to exit" in server.log_path.read_text(encoding="utf-8")


def test_messages_survive_a_killed_server(runtime_folder: Path) -> None:
    with running(runtime_folder / "redis") as server:
        with client_of(server) as client:
            client.set("bell", "ringing")
        os.kill(server.pid, signal.SIGKILL)
        assert server.process.child.wait(5) == -signal.SIGKILL
    with running(runtime_folder / "redis") as server, client_of(server) as client:
        assert client.get("bell") == "ringing"


def test_a_kept_server_is_stopped_through_its_folder(runtime_folder: Path) -> None:
    server = start_redis(runtime_folder / "redis", keep=True)
    assert stop_redis(runtime_folder / "redis")
    server.process.child.wait(5)  # the kernel tells its parent a moment later
    assert not server.process.is_running()
    assert not stop_redis(runtime_folder / "redis")


def test_a_server_that_cannot_start_shows_the_end_of_its_log(runtime_folder: Path) -> None:
    with running(runtime_folder / "redis"):
        pass
    (runtime_folder / "redis" / "appendonly.aof").write_bytes(b"*nonsense\r\n" * 3)
    with pytest.raises(EmbeddedServerError) as failure:
        start_redis(runtime_folder / "redis")
    assert "the embedded Redis ended with exit code 1 before it was ready" in str(failure.value)
    assert "Bad file format reading the append only file" in str(failure.value)
