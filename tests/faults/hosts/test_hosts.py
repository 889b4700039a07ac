"""Hosts that are cut off or gone while orders come in, small enough for the drills: ``make hosts`` is all of them."""

import os
import socket
import threading
from pathlib import Path

import pytest
from rich.console import Console

from tests.faults.hosts.__main__ import main
from tests.faults.hosts.lan import LanRefused, made_lan, require_lan
from tests.faults.hosts.ordering import Balancer
from tests.faults.hosts.outages import Outage, outages
from tests.faults.hosts.run import HostsSize, longest_without, run_hosts
from tests.faults.hosts.table import print_report

SMALL = HostsSize(
    outages=(
        Outage(host="api-1", how="cut off", seconds=8),
        Outage(host="worker-1", how="cut off", seconds=8),
        Outage(host="api-2", how="taken away", seconds=8),
        Outage(host="broker", how="cut off", seconds=8),
        Outage(host="database", how="cut off", seconds=8),
    ),
    rest_seconds=5.0,
)


@pytest.fixture
def lan_is_possible() -> None:
    """Pass by where no network of namespaces can be made."""
    try:
        require_lan()
    except LanRefused as refused:
        pytest.skip(f"no network of namespaces: {refused}")


def test_each_of_seven_hosts_is_struck_and_those_that_serve_or_work_in_both_ways() -> None:
    assert [(it.host, it.how) for it in outages(seconds=20)] == [
        *((host, "cut off") for host in ("api-1", "api-2", "worker-1", "worker-2", "worker-3")),
        *((host, "taken away") for host in ("api-1", "api-2", "worker-1", "worker-2", "worker-3")),
        ("broker", "cut off"),
        ("database", "cut off"),
    ]


@pytest.mark.parametrize(
    ("began", "ended", "seconds"),
    [
        (11.0, 13.0, 6.0),  # within a gap that began before and ended after it
        (0.0, 2.5, 8.0),
        (1.2, 1.8, 1.0),
        (17.0, 19.0, 2.0),  # after the last: nothing came at all
    ],
)
def test_the_longest_time_without_an_order_begins_before_an_outage_and_ends_after_it(
    began: float, ended: float, seconds: float
) -> None:
    assert longest_without([1.0, 2.0, 10.0, 16.0], began, ended) == seconds


def test_a_balancer_leaves_out_a_host_that_takes_no_connection_and_tries_all_where_none_does() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taking, socket.create_server(("127.0.0.1", 0)) as closed:
        ports = [it.getsockname()[1] for it in (taking, closed)]
        balancer, stop = Balancer([f"http://127.0.0.1:{port}" for port in ports]), threading.Event()
        before = {balancer.next() for _ in range(4)}
        closed.close()
        checking = [threading.Thread(target=balancer.check, args=(place, stop)) for place in (0, 1)]
        for thread in checking:
            thread.start()
        stop.wait(2.5)
        one_closed = {balancer.next() for _ in range(4)}
        taking.close()
        stop.wait(2.5)
        both_closed = {balancer.next() for _ in range(4)}
        stop.set()
        for thread in checking:
            thread.join()

    assert (before, one_closed, both_closed) == ({0, 1}, {0}, {0, 1})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may")
def test_without_root_the_command_says_why_it_is_passed_by_and_that_is_no_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 0
    assert "passed by: no hosts can be made of network namespaces here: it needs root" in capsys.readouterr().err


def test_the_command_refuses_a_word_that_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["RATES=3"]) == 2
    assert "not RATES" in capsys.readouterr().err


def test_a_host_that_is_cut_off_is_silent_and_one_that_was_taken_away_is_empty(lan_is_possible: None) -> None:
    with made_lan(("one", "two")) as lan:
        lan.cut("one")
        with pytest.raises(TimeoutError):
            socket.create_connection((lan.address("one"), 9), timeout=0.5)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((lan.address("two"), 9), timeout=2)
        lan.join("one")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((lan.address("one"), 9), timeout=2)
        lan.take_away("two")
        with pytest.raises(TimeoutError):
            socket.create_connection((lan.address("two"), 9), timeout=0.5)
        lan.put_back("two")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((lan.address("two"), 9), timeout=2)

        assert lan.processes("two") == ()


@pytest.mark.drill
@pytest.mark.timeout(900)
def test_orders_go_on_whichever_host_is_cut_off_or_gone_and_none_is_lost_or_doubled(
    tmp_path: Path, lan_is_possible: None
) -> None:
    report = run_hosts(SMALL, folder=tmp_path, tell=lambda _: None)
    print_report(report, Console(width=150))
    seen = {it.seen.outage.host: it for it in report.outages}

    assert report.problems == ()
    assert {host for host, it in seen.items() if it.longest_without_seconds > 5} == {"database"}
    assert {host for host, it in seen.items() if it.taken < SMALL.rate * 8 / 2} == {"database"}
    assert report.counts["answered 503 temporarily_unavailable"] >= 1
    assert seen["worker-1"].longest_decision_seconds < 30
