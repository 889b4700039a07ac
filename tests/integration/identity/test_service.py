import asyncio
from datetime import timedelta
from typing import cast

import pytest
from psycopg import AsyncConnection
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from fabroute.database import unit_of_work
from fabroute.identity import service
from fabroute.identity.rules import OrganisationKind, Unauthenticated, make_token
from fabroute.identity.service.organisations import OrganisationChange, change_organisation
from fabroute.kernel.time import utc_now
from tests.conftest import Database
from tests.factories.databases import engine_for, rows
from tests.factories.organisations import NOW


def test_an_issued_key_speaks_for_its_organisation_with_its_scopes(database: Database) -> None:
    with engine_for(database.url) as engine:
        with unit_of_work(engine) as session:
            bureau = service.create_organisation(session, name="Print & Co", kind="bureau", now=NOW)
            issued = service.issue_api_key(
                session, organisation_id=bureau, name="shop floor", scopes=["jobs:read", "jobs:read"], now=NOW
            )
        with unit_of_work(engine) as session:
            principal = service.authenticate(session, token=issued.token, now=NOW)

    assert (principal.organisation_id, principal.kind, principal.key_id) == (bureau, "bureau", issued.key_id)
    assert principal.scopes == {"jobs:read"}


def test_keys_that_open_nothing_now_or_soon_are_not_live(database: Database) -> None:
    now = utc_now()
    with engine_for(database.url) as engine, unit_of_work(engine) as session:
        owner, suspended = (service.create_organisation(session, name=it, kind="owner", now=now) for it in "ab")
        live, ending, revoked, theirs = (
            service.issue_api_key(session, organisation_id=of, name="k", scopes=[], now=now, expires_at=end).key_id
            for of, end in (
                (owner, now + timedelta(minutes=5)),
                (owner, now + timedelta(seconds=1)),
                (owner, None),
                (suspended, None),
            )
        )
        service.revoke_api_key(session, key_id=revoked, now=now)
        change = OrganisationChange(suspended=True)
        change_organisation(session, organisation_id=suspended, change=change, actor="key_1", now=now)

    async def ask() -> frozenset[str]:
        url = database.url.replace("postgresql+psycopg", "postgresql")
        options = "-c fabroute.tenant=*"
        async with await AsyncConnection.connect(url, autocommit=True, options=options) as connection:
            return await service.live_keys(connection, key_ids=(live, ending, revoked, theirs, "key_none"))

    assert asyncio.run(ask()) == {live}


def test_neither_the_token_nor_its_secret_is_stored(database: Database) -> None:
    with engine_for(database.url) as engine, unit_of_work(engine) as session:
        owner = service.create_organisation(session, name="Nordbahn", kind="owner", now=NOW)
        token = service.issue_api_key(session, organisation_id=owner, name="k", scopes=[], now=NOW).token
        stored = rows(session, "SELECT to_jsonb(api_keys)::text FROM api_keys")

    secret = token.rsplit("_", 1)[1]
    assert len(stored) == 1
    assert secret not in str(stored[0])


def test_a_revoked_an_expired_and_a_foreign_key_are_all_refused_in_the_same_words(database: Database) -> None:
    with engine_for(database.url) as engine, unit_of_work(engine) as session:
        owner = service.create_organisation(session, name="Nordbahn", kind="owner", now=NOW)
        revoked, expired, other = (
            service.issue_api_key(session, organisation_id=owner, name=name, scopes=[], now=NOW, expires_at=end)
            for name, end in (("a", None), ("b", NOW + timedelta(hours=1)), ("c", None))
        )
        service.revoke_api_key(session, key_id=revoked.key_id, now=NOW)
        session.connection().execute(
            text("UPDATE api_keys SET secret_sha256 = 'x' WHERE id = :id"), {"id": other.key_id}
        )
        unknown = make_token(environment="test", key_id="key_none")

        messages = []
        for token in (revoked.token, expired.token, other.token, unknown):
            now = NOW + timedelta(hours=1)
            with pytest.raises(Unauthenticated) as refusal:
                service.authenticate(session, token=token, now=now)
            messages.append(refusal.value.message)
        alive = service.authenticate(session, token=expired.token, now=NOW + timedelta(minutes=59))

    assert set(messages) == {"this API key is unknown, expired or revoked: use a live one"}
    assert alive.key_id == expired.key_id


def test_keys_can_be_rotated_with_an_overlap(database: Database) -> None:
    with engine_for(database.url) as engine, unit_of_work(engine) as session:
        owner = service.create_organisation(session, name="Nordbahn", kind="owner", now=NOW)
        old, new = (
            service.issue_api_key(session, organisation_id=owner, name="k", scopes=["orders:read"], now=NOW)
            for _ in range(2)
        )
        both = {service.authenticate(session, token=key.token, now=NOW).key_id for key in (old, new)}
        service.revoke_api_key(session, key_id=old.key_id, now=NOW)

        assert both == {old.key_id, new.key_id}
        assert service.authenticate(session, token=new.token, now=NOW).key_id == new.key_id


def test_issuing_and_revoking_are_on_the_audit_log(database: Database) -> None:
    with engine_for(database.url) as engine, unit_of_work(engine) as session:
        owner = service.create_organisation(session, name="Nordbahn", kind="owner", now=NOW)
        key = service.issue_api_key(session, organisation_id=owner, name="k", scopes=[], now=NOW)
        service.revoke_api_key(session, key_id=key.key_id, now=NOW)
        log = rows(session, "SELECT action, subject_id, organisation_id, actor FROM audit_entries ORDER BY id")

        assert log == [
            ("api_key.issued", key.key_id, owner, "system:keys"),
            ("api_key.revoked", key.key_id, owner, "system:keys"),
        ]


def test_the_serving_role_can_neither_change_nor_remove_an_audit_entry(database: Database) -> None:
    entry = service.AuditRecord(
        organisation_id=None, occurred_at=NOW, actor="system:test", action="a", subject_type="t", subject_id="s"
    )
    with engine_for(database.url) as engine:
        with unit_of_work(engine) as session:
            service.record_audit(session, entry=entry)
            service.record_audits(session, entries=())
        for statement in ("UPDATE audit_entries SET actor = 'x'", "DELETE FROM audit_entries"):
            with pytest.raises(ProgrammingError, match="permission denied"), unit_of_work(engine) as session:
                session.connection().execute(text(statement))
        with unit_of_work(engine) as session:
            assert rows(session, "SELECT count(*) FROM audit_entries") == [(1,)]


def test_what_can_not_be_issued_says_what_to_do(database: Database) -> None:
    with engine_for(database.url) as engine, unit_of_work(engine) as session:
        owner = service.create_organisation(session, name="Nordbahn", kind="owner", now=NOW)
        with pytest.raises(service.UnknownScope, match=r"unknown scopes orders:all: choose from "):
            service.issue_api_key(session, organisation_id=owner, name="k", scopes=["orders:all"], now=NOW)
        with pytest.raises(service.UnknownOrganisation, match="create it first"):
            service.issue_api_key(session, organisation_id="org_none", name="k", scopes=[], now=NOW)
        with pytest.raises(service.UnknownApiKey, match="no API key key_none"):
            service.revoke_api_key(session, key_id="key_none", now=NOW)


def test_an_organisation_saved_again_is_renamed_and_a_strange_kind_refused(database: Database) -> None:
    with engine_for(database.url) as engine, unit_of_work(engine) as session:
        first = service.create_organisation(session, name="Old", kind="owner", now=NOW, organisation_id="org_demo")
        again = service.create_organisation(session, name="New", kind="owner", now=NOW, organisation_id="org_demo")
        organisations = rows(session, "SELECT id, name FROM organisations")
        with pytest.raises(service.InvalidOrganisation, match="bureau, operator, owner"):
            service.create_organisation(session, name="x", kind=cast(OrganisationKind, "shop"), now=NOW)

    assert first == again == "org_demo"
    assert organisations == [("org_demo", "New")]


def test_what_was_done_to_a_thing_is_read_in_order_and_nothing_else(database: Database) -> None:
    with engine_for(database.url) as engine, unit_of_work(engine) as session:
        entries = [
            service.AuditRecord(
                organisation_id=None,
                occurred_at=NOW + timedelta(hours=-number),
                actor=f"key_{number}",
                action="thing.moved",
                subject_type=kind,
                subject_id=subject,
                data={"number": number},
            )
            for number, (kind, subject) in enumerate(
                [("thing", "t_1"), ("thing", "t_2"), ("other", "t_1"), ("thing", "t_1"), ("thing", "t_1")]
            )
        ]
        service.record_audits(session, entries=entries)
        found = service.read_audit(session, subject_type="thing", subject_id="t_1")
        first = service.read_audit(session, subject_type="thing", subject_id="t_1", limit=1)

    assert [(entry.actor, entry.data) for entry in found] == [
        ("key_0", {"number": 0}),
        ("key_3", {"number": 3}),
        ("key_4", {"number": 4}),
    ]
    assert (found[0].occurred_at, found[0].action) == (NOW, "thing.moved")
    assert first == found[:1]


def test_an_audited_refusal_carries_the_entry_that_outlives_its_transaction(database: Database) -> None:
    class Refused(service.AuditedRefusal):
        code, status = "refused", 409

    entry = service.AuditRecord(
        organisation_id="org_1",
        occurred_at=NOW,
        actor="key_1",
        action="thing.refused",
        subject_type="thing",
        subject_id="t_1",
    )

    def refuse(engine: Engine) -> None:
        with unit_of_work(engine) as session:
            service.record_audit(session, entry=entry)
            raise Refused("not like this", entry=entry, headers={"Retry-After": "1"})

    with engine_for(database.url) as engine:
        with pytest.raises(Refused) as refusal:
            refuse(engine)
        with unit_of_work(engine) as session:
            before = service.read_audit(session, subject_type="thing", subject_id="t_1")
            service.record_audit(session, entry=refusal.value.entry)
            after = service.read_audit(session, subject_type="thing", subject_id="t_1")

    assert (before, [view.action for view in after]) == ((), ["thing.refused"])
    assert (refusal.value.code, refusal.value.status, refusal.value.headers) == ("refused", 409, {"Retry-After": "1"})
    assert str(refusal.value) == "not like this"
