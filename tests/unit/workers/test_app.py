"""The Celery app has the settings with which no work is lost, and says so when it has others."""

import socket

import pytest
from celery import Celery
from celery.worker.consumer import Consumer
from kombu import Connection, Queue

from fabroute_workers.app import (
    DEAD_LETTERS,
    QUEUES,
    REQUIRED_SETTINGS,
    WrongSettings,
    create_app,
    dead_letter_queue,
    require_settings,
)
from fabroute_workers.broker import BrokerMissing
from fabroute_workers.consuming import PromptBlueprint

SIGNS_OF_LIFE = {
    **{socket.TCP_KEEPIDLE: 3, socket.TCP_KEEPINTVL: 1, socket.TCP_KEEPCNT: 2},
    socket.TCP_USER_TIMEOUT: 5_000,
}
REDIS = "redis://localhost:6379/0"
RABBITMQ = "amqp://localhost//"


def changed(name: str, value: object, *, url: str = REDIS) -> Celery:
    app = create_app(url)
    app.conf[name] = value
    return app


def test_every_required_setting_is_set() -> None:
    app = create_app(REDIS)
    assert {name: app.conf[name] for name in REQUIRED_SETTINGS} == dict(REQUIRED_SETTINGS)
    assert app.conf.task_acks_late is True
    assert app.conf.task_reject_on_worker_lost is True
    assert app.conf.worker_prefetch_multiplier == 1
    assert (app.conf.task_soft_time_limit, app.conf.task_time_limit) == (40, 45)
    require_settings(app)


@pytest.mark.parametrize("url", [REDIS, "rediss://cache:6380/1", "redis+socket:///run/redis.sock?virtual_host=0"])
def test_redis_gets_timeouts_and_a_visibility_longer_than_any_task(url: str) -> None:
    options = create_app(url).conf.broker_transport_options
    assert options == {
        "visibility_timeout": 300,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "socket_keepalive_options": SIGNS_OF_LIFE,
        "health_check_interval": 10,
    }
    assert options["visibility_timeout"] > create_app(url).conf.task_time_limit


def test_rabbitmq_confirms_what_it_takes_and_keeps_it_in_quorum_queues() -> None:
    app = create_app(RABBITMQ)
    queues: list[Queue] = app.conf.task_queues
    assert app.conf.broker_transport_options == {
        "confirm_publish": True,
        "read_timeout": 5,
        "socket_settings": SIGNS_OF_LIFE,
    }
    assert [queue.name for queue in queues] == list(QUEUES)
    assert queues[0].queue_arguments == {
        "x-queue-type": "quorum",
        "x-delivery-limit": 8,
        "x-dead-letter-exchange": DEAD_LETTERS,
    }
    require_settings(app)


def test_no_queues_are_made_for_tasks_with_a_delay_of_which_there_are_none() -> None:
    steps = PromptBlueprint.default_steps

    assert create_app(RABBITMQ).conf.worker_consumer == "fabroute_workers.consuming:PromptConsumer"
    assert set(Consumer.Blueprint.default_steps) - set(steps) == {
        "celery.worker.consumer.delayed_delivery:DelayedDelivery"
    }


def test_redis_queues_carry_no_arguments_of_rabbitmq() -> None:
    assert [queue.queue_arguments for queue in create_app(REDIS).conf.task_queues] == [None] * len(QUEUES)
    assert "inventory" in QUEUES


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_acks_late", False),
        ("task_reject_on_worker_lost", False),
        ("worker_prefetch_multiplier", 4),
        ("task_time_limit", 90),
        ("accept_content", ["json", "pickle"]),
        ("result_backend", "redis://localhost/1"),
        ("worker_enable_remote_control", True),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(name: str, value: object) -> None:
    with pytest.raises(WrongSettings) as refusal:
        require_settings(changed(name, value))
    assert f"{name} is {value!r}, must be {REQUIRED_SETTINGS[name]!r}" in refusal.value.message
    assert refusal.value.code == "wrong_worker_settings"


def test_a_wrong_transport_option_is_refused_by_its_name() -> None:
    app = changed("broker_transport_options", {"visibility_timeout": 30})
    with pytest.raises(WrongSettings) as refusal:
        require_settings(app)
    assert "broker_transport_options.visibility_timeout is 30, must be 300" in refusal.value.message
    assert "broker_transport_options.socket_timeout is None, must be 5" in refusal.value.message


def test_rabbitmq_without_confirmations_or_quorum_is_refused() -> None:
    app = changed("task_queues", [Queue("routing")], url=RABBITMQ)
    app.conf.broker_transport_options = {}
    with pytest.raises(WrongSettings) as refusal:
        require_settings(app)
    assert "broker_transport_options.confirm_publish is None, must be True" in refusal.value.message
    assert "queue routing is not a quorum queue" in refusal.value.message


def test_without_a_broker_the_app_can_be_made_but_not_started() -> None:
    app = create_app(None)
    with pytest.raises(BrokerMissing, match="FABROUTE_BROKER_URL is not set; start one with: redis-server"):
        require_settings(app)
    assert app.conf.broker_transport_options == {}


def test_each_task_goes_to_the_queue_of_its_context() -> None:
    router = create_app(REDIS).amqp.router
    assert router.route({}, "routing.route_pending")["queue"].name == "routing"
    assert router.route({}, "network.extend_capacity")["queue"].name == "network"


def test_what_was_delivered_too_often_lands_in_a_queue_of_its_own() -> None:
    with Connection("memory://") as connection:
        queue = dead_letter_queue()(connection.default_channel)
        queue.declare()
        connection.Producer().publish({"scope": "global"}, exchange=DEAD_LETTERS)
        message = queue.get()
        assert message is not None
        assert message.payload == {"scope": "global"}
