"""Every committed entry is sealed once, in the chain of its organisation, however late it is committed."""

import hashlib
import json
import threading
from datetime import datetime
from typing import cast

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import ProgrammingError
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.service import record_audits
from fabroute.identity.service.sealing import seal_audit_log, sealing_waits
from tests.factories.audit import an_entry, given_entries, given_log, sealed_ids, told, verified
from tests.factories.databases import in_transaction, rows
from tests.factories.organisations import BUREAU, OWNER


def chain_of(engine: Engine, organisation_id: str) -> list[int]:
    """The entries of a chain by position."""
    return in_transaction(engine, lambda session: sealed_ids(session, chain=organisation_id))


def seal_now(engine: Engine) -> int:
    """Seal, and let what was seen settle at once."""
    return seal_audit_log(engine, seconds=10.0, settling_seconds=0.0)


def watermark(engine: Engine) -> tuple[object, ...]:
    """From which entry on the sealer looks, and what it has seen."""
    query = "SELECT sealed_through, next_through FROM audit_watermark"
    return in_transaction(engine, lambda session: rows(session, query))[0]


def test_entries_go_into_the_chain_of_their_organisation_in_the_order_of_their_ids(engine: Engine) -> None:
    given_entries(engine, [an_entry(number=it, organisation_id=o) for it, o in enumerate((OWNER, None, OWNER, BUREAU))])

    assert seal_audit_log(engine, seconds=10.0) == 4
    assert [chain_of(engine, chain) for chain in (OWNER, BUREAU, "installation")] == [[1, 3], [4], [2]]


def test_a_seal_is_the_sha256_of_what_the_entry_says_and_of_the_seal_before(engine: Engine) -> None:
    given_entries(engine, [an_entry(number=0), an_entry(number=7)])
    seal_audit_log(engine, seconds=10.0)

    with unit_of_work(engine) as session:
        first, second = rows(session, "SELECT hash, previous_hash, sealed_at FROM audit_seals ORDER BY position")
    content = json.dumps(
        {
            "action": "job.accepted",
            "actor": "key_1",
            "data": {"note": "Nº 7", "price_minor": 7, "share": 1.0, "late": False, "of": None},
            "entry_id": 2,
            "occurred_at": "2026-06-15T08:00:07.000000+00:00",
            "organisation_id": OWNER,
            "position": 2,
            "previous_hash": first[0],
            "sealed_at": cast(datetime, second[2]).isoformat(timespec="microseconds"),
            "subject_id": "job_7",
            "subject_type": "job",
        },
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    assert (first[1], second[1]) == ("0" * 64, first[0])
    assert second[0] == hashlib.sha256(content.encode()).hexdigest()


def test_an_entry_that_becomes_visible_after_later_ones_were_sealed_is_sealed_too(engine: Engine) -> None:
    """Two real transactions: the one that was given the lower id commits last."""
    with Session(engine) as slow, slow.begin():
        record_audits(slow, entries=[an_entry(number=1)])
        given_entries(engine, [an_entry(number=2)])
        sealed = [seal_now(engine) for _ in range(3)]
        while_it_ran = (chain_of(engine, OWNER), watermark(engine))
    waits = in_transaction(engine, sealing_waits)
    sealed.append(seal_now(engine))

    assert while_it_ran == ([2], (0, 2))
    assert (sealed, waits) == ([1, 0, 0, 1], True)
    assert chain_of(engine, OWNER) == [2, 1]
    assert in_transaction(engine, lambda session: verified(session).findings) == ()


def test_the_sealer_looks_no_further_back_than_transactions_that_may_still_commit(engine: Engine) -> None:
    given_log(engine, entries=3)
    seen = [watermark(engine)]
    for _ in range(2):
        seal_now(engine)
        seen.append(watermark(engine))
    given_log(engine, entries=1)

    assert seen == [(0, 3), (3, 3), (3, 3)]
    assert watermark(engine) == (3, 3)
    assert chain_of(engine, OWNER) == [1, 4]


def test_a_horizon_of_another_server_does_not_stop_the_sealer(engine: Engine) -> None:
    """A restored database's transactions have lower numbers than those that its watermark knows."""
    given_log(engine, entries=3)
    for _ in range(2):
        seal_now(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit_watermark SET next_horizon = 4000000000, sealed_through = 2")
    given_entries(engine, [an_entry(number=4)])
    seen = []
    for _ in range(3):
        seal_now(engine)
        seen.append(watermark(engine))

    assert seen == [(2, 4), (4, 4), (4, 4)]
    assert in_transaction(engine, sealing_waits) is False


def test_what_was_just_seen_does_not_count_as_settled(engine: Engine) -> None:
    given_log(engine, entries=3)
    seal_audit_log(engine, seconds=10.0, settling_seconds=3600.0)

    assert watermark(engine) == (0, 3)
    assert in_transaction(engine, sealing_waits) is True
    seal_now(engine)
    assert in_transaction(engine, sealing_waits) is False


def test_ids_of_transactions_that_were_rolled_back_leave_no_gap_in_the_positions(engine: Engine) -> None:
    given_entries(engine, [an_entry(number=1)])
    with Session(engine) as session:
        record_audits(session, entries=[an_entry(number=2)])
        session.rollback()
    given_entries(engine, [an_entry(number=3)])

    assert seal_now(engine) == 2
    assert chain_of(engine, OWNER) == [1, 3]
    assert in_transaction(engine, lambda session: told(verified(session).findings)) == []


def test_small_batches_make_the_same_chain(engine: Engine) -> None:
    given_entries(engine, [an_entry(number=it, organisation_id=(OWNER, BUREAU)[it % 2]) for it in range(7)])

    assert seal_audit_log(engine, seconds=10.0, batch=2) == 7
    assert chain_of(engine, OWNER) == [1, 3, 5, 7]
    assert in_transaction(engine, lambda session: verified(session).findings) == ()


def test_several_sealers_at_once_seal_each_entry_once(engine: Engine) -> None:
    given_entries(engine, [an_entry(number=it) for it in range(200)])
    counted: list[int] = []
    sealers = [
        threading.Thread(target=lambda: counted.append(seal_audit_log(engine, seconds=10.0, batch=20)))
        for _ in range(4)
    ]
    for sealer in sealers:
        sealer.start()
    for sealer in sealers:
        sealer.join()
    counted.append(seal_audit_log(engine, seconds=10.0))

    assert sum(counted) == 200
    assert chain_of(engine, OWNER) == list(range(1, 201))


@pytest.mark.parametrize("table", ["audit_entries", "audit_seals", "audit_roots"])
def test_the_role_that_serves_requests_cannot_change_or_remove_what_is_on_the_log(engine: Engine, table: str) -> None:
    given_log(engine, entries=1)

    for statement in (f"UPDATE {table} SET organisation_id = 'x'", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        with (
            pytest.raises(ProgrammingError, match=f"permission denied for table {table}"),
            engine.begin() as connection,
        ):
            connection.exec_driver_sql(statement)
    assert chain_of(engine, OWNER) == [1]
