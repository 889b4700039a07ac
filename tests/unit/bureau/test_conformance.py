"""The conformance suite: a good client keeps every rule, and each broken one breaks exactly its own."""

import pytest

from fabroute.bureau.conformance.exchanges import Exchange, FaultName
from fabroute.bureau.conformance.faults import FaultScript, Reply
from fabroute.bureau.conformance.judging import RULES, Verdict, judge
from fabroute.bureau.conformance.proxy import Recorder, Relay
from fabroute.bureau.conformance.queue_rules import empty_queues_are_left_alone, slow_answers_are_waited_for
from fabroute.cli.conformance import exit_code, verdict_table
from tests.fakes.bureau_clients import BROKEN, CLAIMS, Client, Clock, Holding
from tests.fakes.fabroute_server import FakeFabroute, FakeJob
from tests.fakes.web_server import Asked

PATIENT = "slow answers are waited for"


def judged(kind: type[Client], *, jobs: int = 4) -> dict[str, Verdict]:
    """Let a client work through the proxy, before a small fabroute, and judge it; no time passes really."""
    fabroute = FakeFabroute(*(FakeJob(job_id=f"job_{number}") for number in range(jobs)))
    clock = Clock()
    recorder = Recorder(clock=clock)

    def forward(request: Exchange) -> Reply:
        asked = Asked(method=request.method, path=request.target, headers=request.headers, body=request.body)
        answer = fabroute(asked)
        return Reply(status=answer.status, headers=answer.headers, body=answer.body)

    relay = Relay(forward=forward, script=FaultScript(), recorder=recorder, sleep=clock.sleep)
    kind(relay=relay, clock=clock).work()
    return {verdict.rule: verdict for verdict in judge(recorder.log())}


def broken_rules(verdicts: dict[str, Verdict]) -> set[str]:
    return {name for name, verdict in verdicts.items() if verdict.outcome == "FAIL"}


def test_a_good_client_keeps_every_rule() -> None:
    verdicts = judged(Client)
    assert {name: it.seen for name, it in verdicts.items() if it.outcome != "PASS"} == {}
    assert exit_code(tuple(verdicts.values())) == 0
    assert len(verdicts) == len(RULES) == 16


@pytest.mark.parametrize(
    ("rule", "kind"), [(rule, kind) for rule, kinds in BROKEN.items() for kind in kinds], ids=lambda it: str(it)
)
def test_a_broken_client_breaks_exactly_its_rule(rule: str, kind: type[Client]) -> None:
    verdicts = judged(kind)
    assert broken_rules(verdicts) == {rule}, verdicts[rule]
    assert verdicts[rule].advice == next(it.advice for it in RULES if it.name == rule)
    assert " at " in verdicts[rule].seen
    assert exit_code(tuple(verdicts.values())) == 1


def test_every_rule_has_a_client_that_breaks_it() -> None:
    assert {rule.name for rule in RULES} == {*BROKEN, PATIENT}
    assert all(rule.judge.__doc__ for rule in RULES)


def test_a_client_that_did_nothing_is_judged_by_nothing() -> None:
    verdicts = judge(())
    assert {verdict.outcome for verdict in verdicts} == {"NOT SEEN"}
    assert {verdict.advice for verdict in verdicts} == {""}
    assert exit_code(verdicts) == 2


def test_with_one_job_the_cancel_comes_after_its_first_report_and_the_loss_after_that() -> None:
    class Reporting(Client):
        def work(self) -> None:
            self.claim()
            (holding,) = self.held
            self.prepare(holding)
            self.heartbeat(holding)
            self.report(holding)
            self.heartbeat(holding)

        def answer_cancel(self, holding: object) -> None:
            (only,) = self.held
            self.write(only, "cancellation", {"agreed": False, "reason": "printed"})
            self.heartbeat(only)

    verdicts = judged(Reporting, jobs=1)
    assert verdicts["cancel requests are answered"].outcome == "PASS"
    assert verdicts["work stops when the lease is lost"].outcome == "PASS"
    assert broken_rules(verdicts) == set()


def test_a_wish_to_cancel_is_told_until_it_is_answered_and_every_answer_is_taken() -> None:
    class Crashing(Client):
        deaf = True

        def answer_cancel(self, holding: Holding) -> None:
            if not self.deaf:
                super().answer_cancel(holding)
                super().answer_cancel(holding)
            self.deaf = False

    verdicts = judged(Crashing)
    assert {name: it.seen for name, it in verdicts.items() if it.outcome != "PASS"} == {}


def test_what_a_client_never_got_is_no_answer() -> None:
    clock, empty = Clock(), Reply(status=204, headers={"Retry-After": "5"})
    recorder = Recorder(clock=clock)
    relay = Relay(forward=lambda _: empty, script=FaultScript(), recorder=recorder, sleep=clock.sleep)
    assert relay.take("POST", CLAIMS, {"idempotency-key": "key-0"}, b"{}").fault == "busy"
    keys = {"idempotency-key": "key-1"}
    gone = relay.take("POST", CLAIMS, keys, b"{}", listens=lambda: False)
    again = relay.take("POST", CLAIMS, keys, b"{}")
    clock.sleep(5)
    later = relay.take("POST", CLAIMS, {"idempotency-key": "key-2"}, b"{}")
    assert (gone.status, again, later) == (0, empty, empty)
    assert [it.status for it in recorder.log()] == [503, 0, 204, 204]
    assert empty_queues_are_left_alone(recorder.log()).outcome == "PASS"


def an_acceptance(number: int, *, job: int, started: float, ended: float, fault: FaultName = "") -> Exchange:
    return Exchange(
        number=number,
        started=started,
        ended=ended,
        method="POST",
        target=f"/v1/jobs/job_{job}/acceptance",
        headers={},
        body=b"",
        status=200,
        answer_headers={},
        answer=b"{}",
        fault=fault,
    )


def test_a_client_that_asks_again_while_an_answer_is_slow_is_impatient() -> None:
    slow = an_acceptance(1, job=1, started=1.0, ended=4.0, fault="slow")
    during, after = (an_acceptance(2, job=1, started=at, ended=at + 0.1) for at in (2.0, 4.1))
    other = an_acceptance(4, job=2, started=2.0, ended=2.1)

    assert slow_answers_are_waited_for((slow, after, other)).outcome == "PASS"
    found = slow_answers_are_waited_for((slow, during, other))
    assert (found.outcome, "asked again while the first answer was on its way for 3 s" in found.seen) == ("FAIL", True)


def test_the_table_says_what_was_seen_and_what_to_do() -> None:
    verdicts = (
        Verdict(rule="claims have keys", outcome="FAIL", seen="POST /v1 → 400 [x]", advice="send a key"),
        Verdict(rule="polls are conditional", outcome="NOT SEEN", seen="nothing", advice=""),
    )
    table = verdict_table(verdicts)
    assert [list(column.cells) for column in table.columns] == [
        ["claims have keys", "polls are conditional"],
        ["[red]FAIL[/]", "[yellow]NOT SEEN[/]"],
        [r"POST /v1 → 400 \[x]", "nothing"],
        ["send a key", ""],
    ]
