"""Broker URLs: what they name, and what is said when they name nothing of use."""

import pytest

from fabroute_workers.broker import BrokerMissing, broker_kind, require_broker_url


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://localhost:6379/0", "redis"),
        ("rediss://cache.example:6380", "redis"),
        ("redis+socket:///run/redis.sock?virtual_host=0", "redis"),
        ("amqp://guest@localhost//", "rabbitmq"),
        ("amqps://broker.example", "rabbitmq"),
        ("sqs://", None),
        ("localhost:6379", None),
        ("", None),
        (None, None),
    ],
)
def test_the_scheme_of_a_url_tells_the_kind_of_broker(url: str | None, kind: str | None) -> None:
    assert broker_kind(url) == kind


def test_a_good_url_is_returned_as_it_is() -> None:
    assert require_broker_url("redis://localhost:6379/0") == "redis://localhost:6379/0"


def test_a_missing_url_says_which_variable_to_set_and_how_to_start_a_broker() -> None:
    with pytest.raises(BrokerMissing) as refusal:
        require_broker_url("")
    assert "FABROUTE_BROKER_URL is not set" in refusal.value.message
    assert "redis-server --maxmemory-policy noeviction --appendonly yes" in refusal.value.message
    assert "fabroute demo" in refusal.value.message
    assert (refusal.value.code, refusal.value.status) == ("broker_not_configured", 503)


def test_an_unknown_kind_of_broker_is_refused_with_those_that_work() -> None:
    with pytest.raises(BrokerMissing) as refusal:
        require_broker_url("sqs://queue")
    assert "begins with sqs://" in refusal.value.message
    assert "it looks like redis://localhost:6379/0" in refusal.value.message


def test_a_url_without_a_scheme_is_refused() -> None:
    with pytest.raises(BrokerMissing, match=r"begins with \(nothing\)://"):
        require_broker_url("/run/redis.sock")
