"""The clients of a chaos run: their orders and moods come of the seed, and they ask until they are answered."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.faults.chaos.network import ChaosNetwork, ChaosOwner, ChaosPart
from tests.faults.chaos.orders import Wish, wishes
from tests.faults.chaos.tally import KeyTold, Tally
from tests.faults.chaos.temper import Attempts, Temper, temper
from tests.faults.chaos.wire import Answer, GaveUp, NoAnswer, Wire

NOW = datetime(2026, 6, 15, 8, tzinfo=UTC)


def a_network() -> ChaosNetwork:
    """Return two owners, of whom the second has a part that nobody can make."""
    parts = [ChaosPart(part_no=f"P-{it}", revision_id=f"rev_{it}", sha256="", feasible=it != 5) for it in range(6)]
    owners = tuple(
        ChaosOwner(organisation_id=f"org_{it}", token="", parts=tuple(parts[3 * it : 3 * it + 3])) for it in range(2)
    )
    return ChaosNetwork(owners=owners, bureaus=(), operator="", cities={"DE": ("Berlin", "Hamburg"), "US": ("Austin",)})


def some_wishes(*, seed: int = 1, count: int = 400) -> list[Wish]:
    return list(wishes(a_network(), count=count, seed=seed, now=NOW))


def test_the_same_seed_sends_the_same_orders_under_keys_of_their_own() -> None:
    first, again, other = some_wishes(), some_wishes(), some_wishes(seed=2)
    assert first == again
    assert [it.body for it in first] != [it.body for it in other]
    assert len({it.key for it in first + other}) == 800
    assert first[:100] == some_wishes(count=100)


def test_an_order_is_called_impossible_where_part_price_or_date_make_it_so_and_nowhere_else() -> None:
    found = some_wishes()
    causes = Counter(_cause(it) for it in found)
    assert {_cause(it) for it in found if it.feasible} == {""}
    assert {_cause(it) for it in found if not it.feasible} == {"part", "price", "date"}
    assert causes == {"": 382, "price": 7, "date": 7, "part": 4}


def _cause(wish: Wish) -> str:
    if wish.body.get("max_price") == {"amount_minor": 1, "currency": "EUR"}:
        return "price"
    if "need_by" in wish.body and datetime.fromisoformat(wish.body["need_by"]) - NOW < timedelta(days=1):
        return "date"
    return "part" if wish.lines[0][0] == "P-5" else ""


def test_orders_are_of_all_kinds_and_sent_up_to_three_times() -> None:
    found = some_wishes()
    assert {it.sends for it in found} == {1, 2, 3}
    assert {len(it.lines) for it in found} == {1, 2}
    assert {quantity for it in found for _, quantity in it.lines} == {1, 2, 3, 4, 5}
    assert {it.body["objective"] for it in found} == {"cheapest", "fastest", "balanced"}
    assert {it.body["ship_to"]["country"] for it in found} == {"DE", "US"}
    assert {it.cancel_after for it in found} == {None, 0, 2, 10, 60}
    assert {name for it in found for name in it.body} >= {"promise", "split", "need_by", "max_price"}


def test_a_node_s_mood_comes_of_the_seed_and_the_order_and_is_good_at_the_fourth_time() -> None:
    moods = [temper(seed=7, number=number, attempt=0, job_id="job_1") for number in range(500)]
    assert moods == [temper(seed=7, number=number, attempt=0, job_id="job_2") for number in range(500)]
    assert {it.mishap for it in moods} == {"", "silent", "zombie", "job", "print"}
    assert {it.answers for it in moods} == {"accept", "decline", "silent"}
    patient = [temper(seed=7, number=number, attempt=3, job_id="job_1") for number in range(500)]
    assert {replace(it, print_seconds=0.0) for it in patient} == {Temper()}
    assert temper(seed=7, number=None, attempt=0, job_id="job_1") != temper(seed=8, number=None, attempt=0, job_id="j")


def test_attempts_at_a_line_are_counted_from_where_they_are_said_to_begin() -> None:
    attempts, later = Attempts(), Attempts(before=3)
    assert [attempts.next("a"), attempts.next("b"), attempts.next("a")] == [0, 0, 1]
    assert [later.next("a"), later.next("a")] == [3, 4]


def test_whoever_waits_for_an_order_hears_of_it_and_of_its_refusal() -> None:
    tally = Tally()
    for key in ("one", "two"):
        tally.begin(
            KeyTold(key=key, organisation_id="o", reference=key, lines=(("P-1", 1),), feasible=True, number=len(key))
        )
    answer = Answer(status=201, body=b'{"id": "ord_1"}', headers={}, sent=1.0, answered=2.0)
    tally.order_answered("one", answer)
    tally.order_answered("one", answer)
    tally.order_answered("two", replace(answer, status=422, body=b"{}"))
    assert [tally.order_of(key, seconds=5) for key in ("one", "two")] == ["ord_1", None]
    assert (tally.acknowledged, tally.number_of("ord_1"), tally.number_of("ord_2")) == (1, 3, None)
    assert [sum(told.answers.values()) for told in tally.keys] == [2, 1]
    assert tally.order_of("one", seconds=0) == tally.copied().order_of("one", seconds=0)


class _Scripted(BaseHTTPRequestHandler):
    """Answers as its server was told to, in turn: a status with headers, or nothing at all."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, _Server)
        self.rfile.read(int(self.headers["Content-Length"]))
        server.keys.append(self.headers["Idempotency-Key"])
        step = server.script.pop(0)
        if step is None:
            self.close_connection = True
            return
        self.send_response(step[0])
        for name, value in {"Content-Length": str(len(step[1])), "Retry-After": "0"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(step[1])

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(HTTPServer):
    script: list[tuple[int, bytes] | None]
    keys: list[str]


@contextmanager
def scripted(*script: tuple[int, bytes] | None) -> Iterator[_Server]:
    """Yield a server that gives these answers, one after the other."""
    with _Server(("127.0.0.1", 0), _Scripted) as server:
        server.script, server.keys = list(script), []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def url_of(server: HTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def test_a_request_is_sent_with_one_key_to_every_process_until_its_answer_is_final() -> None:
    in_flight = b'{"code": "idempotency_key_in_flight"}'
    heard = Tally()
    with scripted(None, (503, b"{}"), (201, b"done")) as first, scripted((409, in_flight), (429, b"{}")) as second:
        wire = Wire((url_of(first), url_of(second)), "token", heard=heard.heard)
        answer = wire.insist("POST", "/v1/orders", {}, headers={"Idempotency-Key": "one"}, patience=20)
        wire.close()
        assert (answer.status, answer.body, answer.ok, answer.code) == (201, b"done", True, "")
        assert (first.keys, second.keys) == (["one"] * 3, ["one"] * 2)
    assert heard.counts == {"requests": 4, "answered 503 http_503": 1}


def test_a_refusal_is_final_and_silence_is_told_as_such() -> None:
    with scripted((422, b'{"code": "part_unknown"}'), None) as server:
        wire = Wire((url_of(server),), None)
        refused = wire.insist("POST", "/v1/orders", {}, headers={"Idempotency-Key": "one"})
        assert (refused.status, refused.code, refused.is_final) == (422, "part_unknown", True)
        with pytest.raises(NoAnswer):
            wire.ask("POST", "/v1/orders", {}, headers={"Idempotency-Key": "two"})
        assert server.keys == ["one", "two"]
        wire.close()
    with pytest.raises(GaveUp, match="POST /v1/orders: ConnectionRefusedError"):
        wire.insist("POST", "/v1/orders", {}, patience=0.0)
    wire.close()
