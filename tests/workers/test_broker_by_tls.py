"""A broker over TLS has to prove who it is, by its certificate: asked of real connections."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fabroute.kernel.errors import DomainError
from fabroute_embedded.redis import RedisServer
from fabroute_workers.app import create_app
from fabroute_workers.broker import BrokerMissing, BrokerRefused, BrokerUnreachable, require_lasting, require_reachable
from tests.factories.certificates_of_hosts import tls_for
from tests.factories.tls_servers import tls_in_front_of

PASSED = "passed"


@pytest.fixture
def port(broker: RedisServer, tmp_path: Path) -> Iterator[int]:
    """Where a Redis answers over TLS, with a certificate for localhost in ``tmp_path/server.pem``."""
    with tls_in_front_of(broker.socket_path, tls_for("localhost", tmp_path).server) as port:
        yield port


@contextmanager
def told() -> Iterator[list[str]]:
    """Yield a list that has the refusal in the end, or that there was none."""
    words = [PASSED]
    try:
        yield words
    except DomainError as error:
        words[0] = f"{type(error).__name__}: {error.message}"


def asked(url: str) -> str:
    with told() as words:
        require_reachable(create_app(url))
    return words[0]


def test_a_certificate_that_no_authority_of_ours_signed_is_refused(port: int) -> None:
    refused = asked(f"rediss://localhost:{port}/0")

    assert refused.startswith(
        f"BrokerRefused: the broker at rediss://:**@localhost:{port}/0 shows a certificate that is not"
    )
    assert "name the authority that signed it in FABROUTE_BROKER_URL (?ssl_ca_certs=/path/ca.pem)" in refused


def test_a_certificate_for_another_name_is_refused(port: int, tmp_path: Path) -> None:
    refused = asked(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={tmp_path}/server.pem")

    assert refused.startswith("BrokerRefused: ")
    assert "IP address mismatch" in refused


@pytest.mark.parametrize("reqs", ["none", "CERT_NONE"])
def test_whoever_says_so_takes_any_certificate(port: int, reqs: str) -> None:
    assert asked(f"rediss://127.0.0.1:{port}/0?ssl_cert_reqs={reqs}") == PASSED


def test_a_good_certificate_is_taken_with_the_authority_that_the_url_names(port: int, tmp_path: Path) -> None:
    url = f"rediss://localhost:{port}/0?ssl_ca_certs={tmp_path}/server.pem"

    assert asked(url) == PASSED
    assert require_lasting(create_app(url), strict=True) == []


def test_a_good_certificate_is_taken_with_the_authorities_of_this_machine(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))

    assert asked(f"rediss://localhost:{port}/0") == PASSED


@pytest.mark.parametrize(
    ("host", "options", "error"),
    [
        ("localhost", "", BrokerRefused),
        ("127.0.0.1", "?ssl_ca_certs={folder}/server.pem", BrokerRefused),
        ("localhost", "?ssl_ca_certs={folder}/server.pem", BrokerUnreachable),
        ("127.0.0.1", "?ssl_cert_reqs=none", BrokerUnreachable),
    ],
)
def test_a_rabbitmq_is_held_to_the_same(
    port: int, tmp_path: Path, host: str, options: str, error: type[DomainError]
) -> None:
    """Behind the TLS is no RabbitMQ: whoever gets so far is told that it does not answer."""
    told = asked(f"amqps://guest:guest@{host}:{port}//{options.format(folder=tmp_path)}")

    assert told.partition(":")[0] == error.__name__


def test_an_unknown_word_for_how_much_is_asked_of_a_certificate_is_refused() -> None:
    with pytest.raises(BrokerMissing, match="ssl_cert_reqs in FABROUTE_BROKER_URL is one of none, optional, required"):
        create_app("rediss://localhost/0?ssl_cert_reqs=maybe")
