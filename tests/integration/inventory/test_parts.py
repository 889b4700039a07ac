"""Parts: known by their owner and number, by other numbers, by where they are installed."""

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.service import create_organisation
from fabroute.inventory.service import (
    AliasView,
    InvalidPart,
    NewAlias,
    NewInstallation,
    NumberTaken,
    PartChange,
    PartExists,
    PartQuery,
    StaleVersion,
    UnknownAlias,
    UnknownInstallation,
    UnknownPart,
    add_alias,
    change_part,
    create_part,
    find_parts,
    get_part,
    install_part,
    list_parts,
    register_part,
    remove_alias,
    remove_installation,
    search_parts,
)
from tests.factories.databases import rows
from tests.factories.inventory import a_part, save_a_released_part
from tests.factories.organisations import NOW, OWNER

AUDIT = "SELECT actor, action, subject_id FROM audit_entries ORDER BY id"
PART = "part_org_owner_AP-0101"


def test_a_part_is_known_by_its_owner_and_number_and_takes_a_new_name(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        create_organisation(session, name="Other", kind="owner", now=NOW, organisation_id="org_other")
        assert register_part(session, part=a_part(), now=NOW) == PART
        assert register_part(session, part=a_part(name="Nozzle"), now=NOW) == PART
        other = register_part(session, part=a_part(organisation_id="org_other"), now=NOW)
        assert other == "part_org_other_AP-0101"
        assert get_part(session, organisation_id=OWNER, part_no="AP-0101").name == "Nozzle"
        assert get_part(session, organisation_id="org_other", part_no="AP-0101").name == "Vacuum nozzle adapter"
        assert rows(session, AUDIT) == [
            ("system:inventory", "part.registered", PART),
            ("system:inventory", "part.registered", other),
        ]


def test_a_part_of_someone_else_is_unknown(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        register_part(session, part=a_part(), now=NOW)
        with pytest.raises(UnknownPart, match="you have no part AP-0101") as refusal:
            get_part(session, organisation_id="org_bureau", part_no="AP-0101")
        assert refusal.value.status == 404
        found = find_parts(session, organisation_id=OWNER, part_nos=["AP-0101", "XX-1"])
        assert list(found) == ["AP-0101"]
        assert (found["AP-0101"].revisions, found["AP-0101"].released) == ((), None)


def test_parts_come_in_pages_in_the_order_of_their_numbers(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        for part_no in ("C-3", "A-1", "B-2"):
            register_part(session, part=a_part(part_no=part_no), now=NOW)
        first = list_parts(session, organisation_id=OWNER, limit=2)
        assert ([part.part_no for part in first.items], first.next_cursor) == (["A-1", "B-2"], "B-2")
        last = list_parts(session, organisation_id=OWNER, limit=2, cursor="B-2")
        assert ([part.part_no for part in last.items], last.next_cursor) == (["C-3"], None)
        assert list_parts(session, organisation_id="org_bureau").items == ()


def found(session: Session, *, text: str = "", asset: str | None = None, position: str | None = None) -> list[str]:
    query = PartQuery(text=text, asset=asset, position=position)
    page = search_parts(session, organisation_id=OWNER, query=query)
    return [part.part_no for part in page.items]


def remove(session: Session, *, part_no: str, installation_id: str) -> None:
    remove_installation(
        session, organisation_id=OWNER, part_no=part_no, installation_id=installation_id, actor="key_1", now=NOW
    )


def test_a_part_is_created_once_and_changed_by_who_saw_its_present_version(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        made = create_part(session, part=a_part(), actor="key_1", now=NOW)
        assert (made.part_id, made.version, made.revisions) == (PART, 1, ())
        with pytest.raises(PartExists, match="you have a part AP-0101 already") as refusal:
            create_part(session, part=a_part(name="Other"), actor="key_1", now=NOW)
        assert (refusal.value.status, refusal.value.problems[0].pointer) == (409, "/part_no")
        change = PartChange(expected_version=1, name="Nozzle", annual_demand=0, note="as before")
        changed = change_part(session, organisation_id=OWNER, part_no="AP-0101", change=change, actor="key_2", now=NOW)
        assert (changed.name, changed.annual_demand, changed.note, changed.version) == ("Nozzle", 0, "as before", 2)
        assert changed.sector == "appliance"
        with pytest.raises(StaleVersion, match=r"version 2, not 1\): read it again"):
            change_part(session, organisation_id=OWNER, part_no="AP-0101", change=change, actor="key_2", now=NOW)
        same = PartChange(expected_version=2, name="Nozzle")
        assert (
            change_part(session, organisation_id=OWNER, part_no="AP-0101", change=same, actor="key_2", now=NOW).version
            == 2
        )
        wrong = PartChange(expected_version=2, criticality="urgent")
        with pytest.raises(InvalidPart, match="criticality 'urgent' is not known"):
            change_part(session, organisation_id=OWNER, part_no="AP-0101", change=wrong, actor="key_2", now=NOW)
        logged = rows(session, "SELECT actor, action, data FROM audit_entries ORDER BY id")
        assert logged == [
            ("key_1", "part.registered", {}),
            ("key_2", "part.changed", {"fields": "annual_demand name note"}),
        ]


def test_registering_counts_the_version_only_when_something_is_different(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        for name in ("Nozzle", "Nozzle", "Adapter"):
            register_part(session, part=a_part(name=name), now=NOW)
        assert get_part(session, organisation_id=OWNER, part_no="AP-0101").version == 2
        assert len(rows(session, AUDIT)) == 1


def test_a_part_answers_to_its_old_and_suppliers_numbers(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        save_a_released_part(session)
        register_part(session, part=a_part(part_no="AP-0102"), now=NOW)
        for kind, number in (("old", "4711-00"), ("supplier", "S/88"), ("gtin", "4006381333931"), ("old", "4711-00")):
            alias = NewAlias(kind=kind, number=number)
            part = add_alias(session, organisation_id=OWNER, part_no="AP-0101", alias=alias, actor="key_1", now=NOW)
        assert [(alias.kind, alias.number) for alias in part.aliases] == [
            ("gtin", "4006381333931"),
            ("old", "4711-00"),
            ("supplier", "S/88"),
        ]
        found_by = find_parts(session, organisation_id=OWNER, part_nos=["4711-00", "AP-0101", "AP-0102", "none"])
        assert {number: part.part_no for number, part in found_by.items()} == {
            "4711-00": "AP-0101",
            "AP-0101": "AP-0101",
            "AP-0102": "AP-0102",
        }
        assert found_by["4711-00"].released is not None
        assert get_part(session, organisation_id=OWNER, part_no="S/88").part_id == PART
        assert find_parts(session, organisation_id="org_bureau", part_nos=["4711-00"]) == {}


def test_a_number_means_one_part_of_its_owner(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        for part_no in ("A-1", "B-2"):
            register_part(session, part=a_part(part_no=part_no), now=NOW)
        old = NewAlias(kind="old", number="X-9")
        add_alias(session, organisation_id=OWNER, part_no="A-1", alias=old, actor="key_1", now=NOW)
        for part_no, number in (("B-2", "X-9"), ("B-2", "A-1"), ("A-1", "A-1")):
            alias = NewAlias(kind="old", number=number)
            with pytest.raises(NumberTaken, match="number of another part") as refusal:
                add_alias(session, organisation_id=OWNER, part_no=part_no, alias=alias, actor="key_1", now=NOW)
            assert refusal.value.problems[0].pointer == "/number"
        with pytest.raises(NumberTaken, match="X-9 is the old number of one of your parts"):
            create_part(session, part=a_part(part_no="X-9"), actor="key_1", now=NOW)
        remove_alias(session, organisation_id=OWNER, part_no="A-1", number="X-9", actor="key_1", now=NOW)
        with pytest.raises(UnknownAlias, match="A-1 has no other number X-9"):
            remove_alias(session, organisation_id=OWNER, part_no="A-1", number="X-9", actor="key_1", now=NOW)
        assert create_part(session, part=a_part(part_no="X-9"), actor="key_1", now=NOW).aliases == ()


def test_a_part_is_found_by_the_asset_and_position_it_is_installed_at(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        for part_no in ("A-1", "B-2", "C-3"):
            register_part(session, part=a_part(part_no=part_no), now=NOW)
        for part_no, asset, position in (("A-1", "pump P-17", "4"), ("B-2", "pump P-17", "5"), ("C-3", "fan", "4")):
            place = NewInstallation(asset=asset, position=position)
            installed = install_part(
                session, organisation_id=OWNER, part_no=part_no, installation=place, actor="key_1", now=NOW
            )
        assert found(session, asset="Pump p-17", position="4") == ["A-1"]
        assert found(session, asset="pump P-17") == ["A-1", "B-2"]
        assert found(session, position="4") == ["A-1", "C-3"]
        assert found(session, asset="pump P_17") == []
        more = NewInstallation(asset="fan", position="4", quantity=6, note="both sides")
        again = install_part(session, organisation_id=OWNER, part_no="C-3", installation=more, actor="key_1", now=NOW)
        assert (again.installation_id, again.quantity, again.note) == (installed.installation_id, 6, "both sides")
        assert get_part(session, organisation_id=OWNER, part_no="C-3").installations == (again,)
        with pytest.raises(UnknownInstallation):
            remove(session, part_no="A-1", installation_id=again.installation_id)
        remove(session, part_no="C-3", installation_id=again.installation_id)
        assert found(session, asset="fan") == []
        with pytest.raises(UnknownInstallation, match="C-3 has no installation"):
            remove(session, part_no="C-3", installation_id=again.installation_id)


def test_words_are_found_in_numbers_names_and_other_numbers_but_wildcards_are_plain_text(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        for part_no, name in (("A-1", "Door stopper"), ("B_2", "Cap 100% nylon"), ("C-3", "Stop ring")):
            register_part(session, part=a_part(part_no=part_no, name=name), now=NOW)
        add_alias(
            session,
            organisation_id=OWNER,
            part_no="B_2",
            alias=NewAlias(kind="supplier", number="STOP-77"),
            actor="key_1",
            now=NOW,
        )
        assert found(session, text="stop") == ["A-1", "B_2", "C-3"]
        assert found(session, text="  door ") == ["A-1"]
        assert (found(session, text="100%"), found(session, text="%"), found(session, text="_")) == (
            ["B_2"],
            ["B_2"],
            ["B_2"],
        )
        assert found(session, text="nothing") == []
        first = search_parts(session, organisation_id=OWNER, query=PartQuery(text="stop", limit=1))
        assert first.next_cursor == "A-1"
        second = search_parts(session, organisation_id=OWNER, query=PartQuery(text="stop", limit=1, cursor="A-1"))
        assert second.items[0].aliases == (AliasView(kind="supplier", number="STOP-77"),)
