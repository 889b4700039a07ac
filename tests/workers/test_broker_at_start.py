"""What is told of a broker before anything works by it: asked of real ones that are set wrongly."""

from argparse import Namespace
from collections.abc import Iterator

import pytest
import redis

from fabroute.kernel.exit_codes import exit_code_of
from fabroute_embedded.redis import RedisServer
from fabroute_workers.__main__ import main, modules
from fabroute_workers.app import EXIT_MISCONFIGURED, create_app, require_settings
from fabroute_workers.broker import BrokerForgets, BrokerMissing, BrokerRefused, require_lasting, require_reachable
from tests.conftest import Database
from tests.factories.bad_servers import set_clock_ahead
from tests.factories.processes import run_module

PASSWORD = "zq-broker-pa55word"


@pytest.fixture
def client(broker: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis(unix_socket_path=str(broker.socket_path)) as client:
        yield client


def test_a_redis_as_it_should_be_is_taken_without_a_word(broker: RedisServer) -> None:
    assert require_lasting(create_app(broker.url), strict=True) == []


def test_a_redis_without_an_append_only_file_is_told_of_with_the_command(
    broker: RedisServer, client: redis.Redis
) -> None:
    client.config_set("appendonly", "no")

    told = require_lasting(create_app(broker.url), strict=True)

    assert told == [
        "the Redis of FABROUTE_BROKER_URL keeps no append-only file: when it dies its messages are gone, and orders "
        "wait until the relay rings again; redis-cli CONFIG SET appendonly yes, and the same line in redis.conf"
    ]


def test_a_redis_that_evicts_keys_is_refused_in_production_and_told_of_elsewhere(
    broker: RedisServer, client: redis.Redis
) -> None:
    client.config_set("maxmemory-policy", "allkeys-lru")

    told = require_lasting(create_app(broker.url), strict=False)
    with pytest.raises(BrokerForgets) as refusal:
        require_lasting(create_app(broker.url), strict=True)

    assert told == [refusal.value.message]
    assert "drops keys when it is full (maxmemory-policy allkeys-lru)" in told[0]
    assert "redis-cli CONFIG SET maxmemory-policy noeviction" in told[0]


def test_a_redis_that_does_not_say_how_it_is_set_is_told_of(broker: RedisServer, client: redis.Redis) -> None:
    client.acl_setuser(
        "plain", enabled=True, passwords=[f"+{PASSWORD}"], categories=["+@all"], commands=["-info"], keys=["*"]
    )
    url = broker.url.replace("redis+socket://", f"redis+socket://plain:{PASSWORD}@")

    (told,) = require_lasting(create_app(url), strict=True)

    assert told.startswith("Redis does not say how it is set (")
    assert told.endswith("see to appendonly yes, maxmemory-policy noeviction")


@pytest.mark.parametrize("login", ["", ":another@", "nobody:another@"])
def test_a_wrong_password_is_refused_with_what_to_correct_and_without_the_password(
    broker: RedisServer, client: redis.Redis, login: str
) -> None:
    client.config_set("requirepass", PASSWORD)

    with pytest.raises(BrokerRefused) as refusal:
        require_reachable(create_app(broker.url.replace("redis+socket://", f"redis+socket://{login}")))

    assert "does not let us in" in refusal.value.message
    assert "correct user, password, virtual host or number in FABROUTE_BROKER_URL" in refusal.value.message
    assert "another" not in refusal.value.message


@pytest.mark.slow
def test_workers_do_not_start_with_a_wrong_password_nor_with_a_clock_that_is_hours_off(
    settings: dict[str, str], database: Database, client: redis.Redis
) -> None:
    client.config_set("requirepass", PASSWORD)
    refused = run_module("fabroute_workers", environment=settings)
    client.config_set("requirepass", "")
    set_clock_ahead(database.url, seconds=7200)
    off = run_module("fabroute_workers", environment=settings)

    assert (refused.returncode, off.returncode) == (EXIT_MISCONFIGURED, 75)
    assert "does not let us in (Authentication required.)" in refused.stderr
    assert "this machine's clock is 7200 seconds behind the database's" in off.stderr
    assert "Traceback" not in refused.stderr + off.stderr


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://localhost:abc/0", "has no number from 1 to 65535 as its port"),
        ("redis://localhost:99999/0", "has no number from 1 to 65535 as its port"),
        ("redis://localhost:0/0", "FABROUTE_BROKER_URL can't be read"),
        ("redis://localhost/orders", "ends in the number of a database of Redis, 0 where there is none"),
        (f"redis://:{PASSWORD}/1@localhost:6379/0", "in a user's name or a password write @ as %40, : as %3A, / as"),
        (f"redis://:{PASSWORD}#1@localhost:6379/0", "in a user's name or a password write @ as %40"),
        (f"redis://:1234/{PASSWORD}@localhost:6379/0", "in a user's name or a password write @ as %40"),
        (f"redis://:[{PASSWORD}@localhost:6379/0", "in a user's name or a password write @ as %40"),
        (f"amqp://u:12/{PASSWORD}@localhost:5672//", "in a user's name or a password write @ as %40"),
        ("redis+socket:///tmp/r.sock?virtual_host=orders", "ends in the number of a database of Redis"),
        ("localhost:6379", "begins with (nothing)://"),
    ],
)
def test_an_address_that_can_not_be_read_is_refused_without_showing_it(url: str, words: str) -> None:
    with pytest.raises(BrokerMissing) as refusal:
        require_settings(create_app(url))

    assert exit_code_of(refusal.value) == EXIT_MISCONFIGURED
    assert words in refusal.value.message
    assert "zq-" not in refusal.value.message


def test_a_number_of_a_database_that_redis_has_not_is_refused(broker: RedisServer) -> None:
    with pytest.raises(BrokerRefused, match="DB index is out of range") as refusal:
        require_reachable(create_app(f"{broker.url}?virtual_host=99"))

    assert exit_code_of(refusal.value) == EXIT_MISCONFIGURED


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--only", "bogus"), "there is no 'bogus' to run: --only takes one of worker, files, relay"),
        (("--only", "worker", "--queues", "inventory"), "worked on by --only files"),
        (("--only", "files", "--queues", "routing, network"), "worked on by --only worker"),
        (("--queues", ""), "--queues names no queue"),
        (("--queues", " ,"), "--queues names no queue"),
        (("--queues", "routing,orders"), "no task is ever sent to the queue orders"),
    ],
)
def test_who_would_work_on_nothing_is_refused(
    options: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options) == EXIT_MISCONFIGURED
    assert words in capsys.readouterr().err


def test_queues_may_stand_with_spaces_and_a_comma_in_the_end() -> None:
    options = Namespace(only=None, queues=" routing, inventory ,", concurrency=2)

    assert list(modules(options)) == ["relay", "worker", "files"]
    assert "routing" in modules(options)["worker"]
