"""Many parts at once: what someone else takes meanwhile is refused, never lost."""

import time
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.inventory.service import (
    NewAlias,
    NumberTaken,
    Outcome,
    StatedPart,
    add_alias,
    get_part,
    hold_parts,
    register_part,
    save_parts,
)
from tests.factories.databases import in_transaction, rows
from tests.factories.inventory import a_part
from tests.factories.organisations import NOW, OWNER

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def stated(part_no: str, *numbers: str) -> StatedPart:
    aliases = tuple(NewAlias(kind="old", number=number) for number in numbers)
    return StatedPart(part=a_part(part_no=part_no), aliases=aliases)


def saved(session: Session, *parts: StatedPart) -> tuple[Outcome | NumberTaken, ...]:
    numbers = [item.part.part_no for item in parts]
    held = hold_parts(session, organisation_id=OWNER, part_nos=numbers, details=True)
    return save_parts(session, stated=parts, held=held, actor="key_test", now=NOW)


def until_someone_waits(engine: Engine) -> None:
    while in_transaction(engine, lambda session: rows(session, WAITING)) == [(0,)]:
        time.sleep(0.01)


def test_a_number_that_is_taken_meanwhile_is_refused_where_it_stands(engine: Engine) -> None:
    in_transaction(engine, lambda session: register_part(session, part=a_part(), now=NOW))
    with ThreadPoolExecutor(1) as pool:
        with unit_of_work(engine) as session:
            alias = NewAlias(kind="old", number="4711")
            add_alias(session, organisation_id=OWNER, part_no="AP-0101", alias=alias, actor="key_test", now=NOW)
            work = stated("AP-0102", "4710", "4711")
            result = pool.submit(in_transaction, engine, lambda session: saved(session, stated("AP-0103"), work))
            until_someone_waits(engine)
        created, refused = result.result()

    assert created == "created"
    assert isinstance(refused, NumberTaken)
    assert [problem.pointer for problem in refused.problems] == ["/aliases/1/number"]
    with unit_of_work(engine) as session:
        assert get_part(session, organisation_id=OWNER, part_no="4711").part_no == "AP-0101"


def test_nothing_stated_is_nothing_done(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        assert saved(session) == ()
        assert saved(session, stated("AP-0101", "4711")) == ("created",)
        assert saved(session, StatedPart(part=a_part())) == ("unchanged",)
        assert saved(session, stated("AP-0101")) == ("changed",)
        assert rows(session, "SELECT action FROM audit_entries ORDER BY id") == [
            ("part.registered",),
            ("part.alias_added",),
            ("part.alias_removed",),
        ]
