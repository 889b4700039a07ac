"""Parts found by whatever a person has for them, and revisions that wait for a person."""

from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.inventory.service import NewAlias, NewInstallation, add_alias, install_part, register_part
from fabroute.inventory.service.matching import PartMatch, match_parts
from fabroute.inventory.service.waiting import list_unreleased
from tests.factories.databases import in_transaction, rows
from tests.factories.inventory import a_part, save_a_released_part
from tests.factories.organisations import NOW, OWNER


def matches(engine: Engine, words: str, *, limit: int = 20) -> list[tuple[str, str, str]]:
    found = in_transaction(
        engine, lambda session: match_parts(session, organisation_id=OWNER, words=words, limit=limit)
    )
    return [(match.part_no, match.found_in, match.found) for match in found]


def given_parts(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        for part_no, name in (("P-17", "Pump cover"), ("P-170", "Valve key"), ("X-1", "Impeller, P-17 pump")):
            register_part(session, part=a_part(part_no=part_no, name=name), now=NOW)
        old = NewAlias(kind="old", number="1987-P-17/b")
        add_alias(session, organisation_id=OWNER, part_no="P-170", alias=old, actor="key_1", now=NOW)
        place = NewInstallation(asset="Pump P-17", position="4", quantity=2)
        install_part(session, organisation_id=OWNER, part_no="X-1", installation=place, actor="key_1", now=NOW)


def test_whole_numbers_come_before_beginnings_and_those_before_the_rest(engine: Engine) -> None:
    given_parts(engine)

    assert matches(engine, "p-17") == [
        ("P-17", "part_no", "P-17"),
        ("P-170", "part_no", "P-170"),
        ("X-1", "asset", "Pump P-17 · 4"),
    ]
    assert matches(engine, "p-17", limit=1) == [("P-17", "part_no", "P-17")]


def test_an_old_number_an_asset_and_words_of_a_name_find_a_part(engine: Engine) -> None:
    given_parts(engine)

    assert matches(engine, "1987-p-17/B") == [("P-170", "alias", "1987-P-17/b")]
    assert matches(engine, "PUMP p-17") == [("X-1", "asset", "Pump P-17 · 4")]
    assert matches(engine, "  cover   pump ") == [("P-17", "name", "Pump cover")]
    assert matches(engine, "%") == []
    assert matches(engine, "   ") == []


def test_a_match_names_the_revision_that_can_be_ordered(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        save_a_released_part(session)
    (match,) = in_transaction(
        engine, lambda session: match_parts(session, organisation_id=OWNER, words="nozzle adapter")
    )

    assert match == PartMatch(
        part_id="part_org_owner_AP-0101",
        part_no="AP-0101",
        name="Vacuum nozzle adapter",
        found_in="name",
        found="Vacuum nozzle adapter",
        revision_id="rev_org_owner_AP-0101_A",
        revision="A",
        is_on_hold=False,
    )
    assert in_transaction(engine, lambda s: match_parts(s, organisation_id="org_bureau", words="nozzle")) == ()


def test_a_validated_revision_waits_until_it_is_released(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        save_a_released_part(session)
    assert in_transaction(engine, lambda s: list_unreleased(s, organisation_id=OWNER)).total == 0

    in_transaction(
        engine, lambda s: rows(s, "UPDATE part_revisions SET state = 'validated', approved_at = NULL RETURNING id")
    )
    found = in_transaction(engine, lambda session: list_unreleased(session, organisation_id=OWNER))

    assert [(it.part_no, it.revision, it.approved_at) for it in found.revisions] == [("AP-0101", "A", None)]
    assert found.total == 1
    assert in_transaction(engine, lambda s: list_unreleased(s, organisation_id="org_bureau")).total == 0
