"""All rules, each with what to do if a client breaks it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fabroute.bureau.conformance import job_rules, queue_rules
from fabroute.bureau.conformance.exchanges import Exchange
from fabroute.bureau.conformance.verdicts import Finding, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Something that a good client does."""

    judge: Callable[[Sequence[Exchange]], Finding]
    advice: str

    @property
    def name(self) -> str:
        """The rule in words."""
        return self.judge.__name__.replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a client did with one rule."""

    rule: str
    outcome: Outcome
    seen: str
    advice: str
    """What to do; empty where all is well."""


RULES: tuple[Rule, ...] = (
    Rule(
        judge=queue_rules.claims_have_keys,
        advice="send an Idempotency-Key with every POST /v1/nodes/{id}/claims: a fresh random one for each new claim",
    ),
    Rule(
        judge=queue_rules.lost_answers_are_asked_again,
        advice="keep key and body of a claim on disk until its answer was read; without an answer send both again",
    ),
    Rule(
        judge=queue_rules.new_claims_have_new_keys,
        advice="once the jobs of a claim are written down, make a new key for the next one",
    ),
    Rule(
        judge=queue_rules.retry_after_is_respected,
        advice="after 429 and 503 wait at least as many seconds as Retry-After says",
    ),
    Rule(
        judge=queue_rules.empty_queues_are_left_alone,
        advice="after 204 wait as long as Retry-After says, and let claims wait at the server with wait_seconds",
    ),
    Rule(
        judge=queue_rules.polls_are_conditional,
        advice="send the ETag of the last list back as If-None-Match; 304 means that nothing changed",
    ),
    Rule(
        judge=queue_rules.slow_answers_are_waited_for,
        advice="give answers 30 seconds (claims: wait_seconds more) before you ask again",
    ),
    Rule(
        judge=queue_rules.unknown_fields_are_tolerated,
        advice="read the fields that you know and ignore all others: new ones are added within /v1",
    ),
    Rule(
        judge=job_rules.writes_name_the_lease,
        advice="send Fabroute-Lease: <lease_id>;epoch=<epoch> of the claim with every write to the job",
    ),
    Rule(
        judge=job_rules.jobs_are_accepted_before_work,
        advice="POST /v1/jobs/{id}/acceptance first; a claim alone is only an offer that is held for you",
    ),
    Rule(
        judge=job_rules.heartbeats_come_in_time,
        advice="POST /v1/jobs/{id}/heartbeat in the background, every heartbeat_seconds of the claim or sooner",
    ),
    Rule(
        judge=job_rules.work_stops_when_the_lease_is_lost,
        advice="on 409 lease_lost stop at once and print no more of the job: it is somebody else's",
    ),
    Rule(
        judge=job_rules.damaged_files_are_fetched_again,
        advice="compare the SHA-256 of what you fetched with the ticket's before you print; ask for a new ticket",
    ),
    Rule(
        judge=job_rules.tickets_are_used_once, advice="ask for a new ticket for every download, also after a failed one"
    ),
    Rule(
        judge=job_rules.cancel_requests_are_answered,
        advice="look at cancel_requested in heartbeats; stop and POST /v1/jobs/{id}/cancellation, agreeing or not",
    ),
    Rule(
        judge=job_rules.reports_are_numbered_in_order,
        advice="number the reports of a lease 1, 2, 3 … and send them in that order; repeat one unchanged",
    ),
)


def judge(log: Sequence[Exchange]) -> tuple[Verdict, ...]:
    """Return a verdict for every rule on what went through the proxy."""
    verdicts = []
    for rule in RULES:
        finding = rule.judge(log)
        advice = rule.advice if finding.outcome == "FAIL" else ""
        verdicts.append(Verdict(rule=rule.name, outcome=finding.outcome, seen=finding.seen, advice=advice))
    return tuple(verdicts)
