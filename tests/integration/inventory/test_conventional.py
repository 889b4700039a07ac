"""What parts cost where they are not printed: kept, changed as a whole, read for many at once."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.inventory.service import (
    NOTHING_KNOWN,
    ConventionalMethod,
    InvalidPart,
    PartChange,
    PartView,
    StaleVersion,
    StatedPart,
    change_part,
    create_part,
    get_part,
    hold_parts,
    read_conventional,
    register_part,
    save_parts,
)
from tests.conftest import Database
from tests.factories.databases import engine_for, rows
from tests.factories.inventory import a_part
from tests.factories.organisations import NOW, OWNER, save_organisations

MOULDED = ConventionalMethod(unit_minor=70, tooling_minor=650_000, minimum_quantity=500, lead_days=45)


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as found:
        with unit_of_work(found) as session:
            save_organisations(session)
        yield found


def given(engine: Engine, part_no: str, method: ConventionalMethod) -> None:
    with unit_of_work(engine) as session:
        register_part(session, part=replace(a_part(part_no=part_no), conventional=method), now=NOW)


def changed(engine: Engine, *, version: int, method: ConventionalMethod | None) -> PartView:
    change = PartChange(expected_version=version, conventional=method)
    with unit_of_work(engine) as session:
        return change_part(session, organisation_id=OWNER, part_no="AP-0101", change=change, actor="key_1", now=NOW)


def read(engine: Engine, *part_nos: str, owner: str = OWNER) -> dict[str, ConventionalMethod]:
    with unit_of_work(engine) as session:
        return read_conventional(session, organisation_id=owner, part_nos=part_nos)


def test_a_part_comes_back_with_its_method_and_one_without_knows_nothing(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        made = create_part(session, part=replace(a_part(), conventional=MOULDED), actor="key_1", now=NOW)
        other = create_part(session, part=a_part(part_no="AP-0102"), actor="key_1", now=NOW)
        again = get_part(session, organisation_id=OWNER, part_no="AP-0101")

    assert made.conventional == again.conventional == MOULDED
    assert other.conventional == NOTHING_KNOWN


def test_registering_a_part_again_takes_the_new_method(engine: Engine) -> None:
    given(engine, "AP-0101", MOULDED)
    given(engine, "AP-0101", replace(MOULDED, unit_minor=80))

    assert read(engine, "AP-0101") == {"AP-0101": replace(MOULDED, unit_minor=80)}
    assert changed(engine, version=2, method=None).version == 2


def test_a_method_is_changed_as_a_whole_and_noted_on_the_audit_log(engine: Engine) -> None:
    given(engine, "AP-0101", MOULDED)
    same = changed(engine, version=1, method=MOULDED)
    dearer = changed(engine, version=1, method=ConventionalMethod(unit_minor=90))
    cleared = changed(engine, version=2, method=NOTHING_KNOWN)
    with unit_of_work(engine) as session:
        noted = rows(session, "SELECT data FROM audit_entries WHERE action = 'part.changed' ORDER BY id")

    assert (same.version, dearer.version, cleared.version) == (1, 2, 3)
    assert dearer.conventional == ConventionalMethod(unit_minor=90)
    assert (cleared.conventional, cleared.name) == (NOTHING_KNOWN, "Vacuum nozzle adapter")
    assert noted == [({"fields": "conventional"},)] * 2


def test_a_stale_or_impossible_change_leaves_the_method_as_it_was(engine: Engine) -> None:
    given(engine, "AP-0101", MOULDED)
    with pytest.raises(StaleVersion):
        changed(engine, version=7, method=NOTHING_KNOWN)
    with pytest.raises(InvalidPart) as refused:
        changed(engine, version=1, method=ConventionalMethod(unit_minor=-1, lead_days=9_999))

    assert [it.pointer for it in refused.value.problems] == ["/conventional/unit", "/conventional/lead_days"]
    assert read(engine, "AP-0101") == {"AP-0101": MOULDED}


def test_many_are_read_at_once_those_without_a_price_left_out(engine: Engine) -> None:
    given(engine, "AP-0101", MOULDED)
    given(engine, "AP-0102", ConventionalMethod(tooling_minor=5, lead_days=3))
    given(engine, "AP-0103", ConventionalMethod(unit_minor=0))

    assert read(engine, "AP-0101", "AP-0102", "AP-0103", "NO-1") == {
        "AP-0101": MOULDED,
        "AP-0103": ConventionalMethod(unit_minor=0),
    }
    assert read(engine) == {}
    assert read(engine, "AP-0101", owner="org_bureau") == {}


@pytest.mark.parametrize(("method", "outcome"), [(MOULDED, "unchanged"), (replace(MOULDED, lead_days=None), "changed")])
def test_a_table_tells_whether_a_method_is_another_one(
    engine: Engine, method: ConventionalMethod, outcome: str
) -> None:
    given(engine, "AP-0101", MOULDED)
    part = replace(a_part(), conventional=method)
    with unit_of_work(engine) as session:
        held = hold_parts(session, organisation_id=OWNER, part_nos={"AP-0101"}, details=True)
        (found,) = save_parts(session, stated=[StatedPart(part=part)], held=held, actor="key_1", now=NOW)

    assert found == outcome
    assert read(engine, "AP-0101") == {"AP-0101": method}
