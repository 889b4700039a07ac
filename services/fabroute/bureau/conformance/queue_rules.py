"""How a client asks for jobs: keys of claims, waiting when it is told to, polls that cost nothing, patience."""

from collections.abc import Iterator, Sequence

from fabroute.bureau.conformance.exchanges import Exchange, claimed_jobs
from fabroute.bureau.conformance.verdicts import Finding, failed, not_seen, passed

Log = Sequence[Exchange]
_EARLY_SECONDS = 0.05
"""Clocks and threads differ by so much."""
_ASKING = frozenset({429, 503})
_RESTARTS = 1
_ENOUGH_LATER = 5
"""So many requests after a claim, a client has had the time to answer."""


def claims_have_keys(log: Log) -> Finding:
    """Every claim carries an Idempotency-Key."""
    claims = [it for it in log if it.is_claim]
    for claim in claims:
        if not claim.headers.get("idempotency-key"):
            return failed(claim, "no Idempotency-Key")
    return passed(claims[0]) if claims else not_seen("no claim was made")


def lost_answers_are_asked_again(log: Log) -> Finding:
    """A claim whose answer was lost is sent again with the same key and the same body."""
    lost = next((it for it in log if it.is_claim and it.fault == "answer_lost"), None)
    if lost is None:
        return not_seen("no claim brought a job whose answer could be lost: have offered jobs in the node's queue")
    again = next((it for it in log if it.is_claim and it.number > lost.number), None)
    if again is None:
        return not_seen("no claim was made after the lost one yet")
    if again.headers.get("idempotency-key") != lost.headers.get("idempotency-key"):
        return failed(again, "another Idempotency-Key than the claim whose answer was lost; its jobs are lost")
    if again.body != lost.body:
        return failed(again, "another body than the claim whose answer was lost: the key stands for the first one")
    return passed(again)


def new_claims_have_new_keys(log: Log) -> Finding:
    """A key whose claim brought jobs is not used for another claim."""
    answered: set[str] = set()
    last: Exchange | None = None
    for claim in (it for it in log if it.is_claim):
        key = claim.headers.get("idempotency-key", "")
        if key in answered:
            return failed(claim, "a key whose jobs were received before: the same jobs come again, and no new ones")
        if answered:
            last = last or claim
        if claim.status == 200:
            answered.add(key)
    return passed(last) if last else not_seen("no claim was made after one that brought jobs")


def retry_after_is_respected(log: Log) -> Finding:
    """After 429 or 503 nothing of the kind is asked before Retry-After is over."""
    return _waited(log, [it for it in log if it.status in _ASKING and _retry_after(it)], "a busy answer")


def empty_queues_are_left_alone(log: Log) -> Finding:
    """After 204 no claim is made before Retry-After is over."""
    return _waited(log, [it for it in log if it.is_claim and it.status == 204 and _retry_after(it)], "an empty queue")


def polls_are_conditional(log: Log) -> Finding:
    """A list that was read with an ETag is read again with If-None-Match; once it may be forgotten, by a restart."""
    tags: dict[str, str] = {}
    good: Exchange | None = None
    forgotten = 0
    for poll in (it for it in log if it.method == "GET" and it.words[:1] == ("nodes",) and it.words[-1:] == ("jobs",)):
        tag = tags.get(poll.target)
        knows = tag is not None and poll.headers.get("if-none-match") == tag
        forgotten += tag is not None and not knows
        if forgotten > _RESTARTS:
            return failed(poll, f"If-None-Match is not {tag}, the ETag of the last answer")
        good = poll if knows else good
        tags[poll.target] = poll.answer_headers.get("etag", tag or "")
    return passed(good) if good else not_seen("the node's jobs were not read twice (clients that only claim need not)")


def slow_answers_are_waited_for(log: Log) -> Finding:
    """While an answer is slow the same is not asked a second time."""
    slow = next((it for it in log if it.fault == "slow"), None)
    if slow is None:
        return not_seen("no job was accepted, so no answer was slow")
    for other in log:
        same = (other.method, other.target) == (slow.method, slow.target)
        if same and slow.number < other.number and other.started < slow.ended:
            return failed(
                other, f"asked again while the first answer was on its way for {slow.ended - slow.started:.0f} s"
            )
    return passed(slow)


def unknown_fields_are_tolerated(log: Log) -> Finding:
    """Fields that a newer fabroute adds do not keep a client from working on a job."""
    for job in claimed_jobs(log):
        later = [it for it in log if it.number > job.by.number]
        answer = next((it for it in later if it.job_id == job.job_id and it.step in _ANSWERS), None)
        if job.by.fault == "unknown_field" and answer is not None:
            return passed(answer)
        if job.by.fault == "unknown_field" and len(later) >= _ENOUGH_LATER:
            return failed(job.by, f"{job.job_id} came with an unknown field and was never answered")
    return not_seen("no claim brought a job")


_ANSWERS = ("acceptance", "decline", "counter-offers")


def _waited(log: Log, asked: Sequence[Exchange], what: str) -> Finding:
    good: Exchange | None = None
    for answer in asked:
        again = next(_same_later(log, answer), None)
        if again is None:
            continue
        waited = again.started - answer.ended
        if waited < _retry_after(answer) - _EARLY_SECONDS:
            return failed(again, f"{waited:.1f} s after {what} that asked for {_retry_after(answer):.0f} s")
        good = good or again
    return passed(good) if good else not_seen(f"nothing was asked again after {what}")


def _same_later(log: Log, before: Exchange) -> Iterator[Exchange]:
    return (it for it in log if it.number > before.number and (it.method, it.path) == (before.method, before.path))


def _retry_after(exchange: Exchange) -> float:
    told = exchange.answer_headers.get("retry-after", "")
    return float(told) if told.isdecimal() else 0.0
