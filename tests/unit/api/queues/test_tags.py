from dataclasses import replace
from datetime import date

from fabroute.api.queues.tags import may_read, poll_interval, queue_tag, retry_after
from fabroute.network.service.queues import QueuePosition
from tests.factories.organisations import BUREAU
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, RIVAL_KEY, a_principal

POSITION = QueuePosition(epoch="e1", version=7, organisation_id=BUREAU)
DAY = date(2026, 6, 15)


def tag(position: QueuePosition = POSITION, query: bytes = b"state=offered", day: date = DAY) -> str:
    return queue_tag(position, principal=BUREAU_KEY, query=query, today=day)


def test_a_tag_names_epoch_and_version_and_is_the_same_for_the_same_question() -> None:
    assert tag().startswith('"e1-7-')
    assert tag() == tag()
    assert len(tag()) == len('"e1-7-') + 16 + 1


def test_another_epoch_version_query_day_or_reader_has_another_tag() -> None:
    others = {
        tag(replace(POSITION, epoch="e2")),
        tag(replace(POSITION, version=8)),
        tag(query=b"state=accepted"),
        tag(day=date(2026, 6, 16)),
        queue_tag(POSITION, principal=OPERATOR_KEY, query=b"state=offered", today=DAY),
    }

    assert len(others) == 5
    assert tag() not in others


def test_how_long_a_client_waits_is_not_in_the_tag_unless_nobody_may_wait_like_that() -> None:
    same = {
        tag(query=b"wait=25&state=offered"),
        tag(query=b"state=offered&wait=0"),
        tag(query=b"state=offered&wait=05"),
    }
    alone = {tag(query=b"wait=1"), tag(query=b"wait=20"), tag(query=b"")}
    refused = [b"wait=26&state=offered", b"wait=&state=offered", b"wait=x&state=offered", b"wait=100&state=offered"]

    assert same == {tag()}
    assert alone == {tag(query=b"")}
    assert len({tag(), *(tag(query=it) for it in refused)}) == 5


def test_a_bureau_reads_no_rival_s_queue() -> None:
    owner = a_principal(organisation_id="org_owner", kind="owner")

    assert [may_read(POSITION, who) for who in (BUREAU_KEY, RIVAL_KEY, OPERATOR_KEY, owner)] == [
        True,
        False,
        True,
        True,
    ]


def test_clients_are_spread_over_two_seconds_around_five() -> None:
    intervals = [float(poll_interval()) for _ in range(200)]

    assert min(intervals) >= 4.0
    assert max(intervals) <= 6.0
    assert len(set(intervals)) >= 10
    assert {retry_after() for _ in range(200)} == {"4", "5", "6"}
