from datetime import timedelta

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.inventory.service import NewAlias, add_alias, withdraw_revision
from fabroute.kernel.errors import DomainError
from fabroute.orders.service import (
    AskedLine,
    Catalogue,
    OrderableRevision,
    PartNotInInventory,
    RevisionNotInInventory,
    RevisionNotReleased,
    RevisionWithdrawn,
)
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.inventory import release
from tests.factories.orders import Owner, given_owner, given_part, given_revision
from tests.factories.organisations import NOW

MINUTE = timedelta(minutes=1)


def look_up(engine: Engine, catalogue: Catalogue, owner: Owner, *lines: AskedLine) -> tuple[OrderableRevision, ...]:
    with unit_of_work(engine) as session:
        return catalogue.look_up(session, organisation_id=owner.organisation_id, lines=lines, now=NOW)


def refusal_of(engine: Engine, owner: Owner, *lines: AskedLine) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        look_up(engine, Catalogue(), owner, *lines)
    return refusal.value


def test_a_line_means_the_released_revision_or_the_one_it_names(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        expected = OrderableRevision(
            part_id=owner.part_id,
            part="RL-0001",
            revision_id=owner.revision_id,
            revision="A",
            criticality="routine",
            process_materials=("MJF:PA12-MJF",),
        )
        lines = AskedLine(part="RL-0001"), AskedLine(part="RL-0001", revision="A")

        assert look_up(engine, Catalogue(), owner, *lines) == (expected, expected)


def test_what_was_looked_up_is_recalled_for_a_minute_and_only_for_its_owner(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner, catalogue, lines = given_owner(engine), Catalogue(), [AskedLine(part="RL-0001")]
        organisation_id = owner.organisation_id

        assert catalogue.recall(organisation_id=organisation_id, lines=lines, now=NOW) is None
        found = look_up(engine, catalogue, owner, *lines)

        assert catalogue.recall(organisation_id=organisation_id, lines=lines * 2, now=NOW) == found * 2
        soon, late = NOW + MINUTE - timedelta(seconds=1), NOW + MINUTE
        assert catalogue.recall(organisation_id=organisation_id, lines=lines, now=soon) == found
        assert catalogue.recall(organisation_id=organisation_id, lines=lines, now=late) is None
        assert catalogue.recall(organisation_id="org_other", lines=lines, now=NOW) is None
        other = [*lines, AskedLine(part="RL-0001", revision="A")]
        assert catalogue.recall(organisation_id=organisation_id, lines=other, now=NOW) is None


def test_what_is_remembered_is_bounded(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner, catalogue = given_owner(engine), Catalogue(maximum_items=1)
        unnamed, named = AskedLine(part="RL-0001"), AskedLine(part="RL-0001", revision="A")
        look_up(engine, catalogue, owner, unnamed)
        look_up(engine, catalogue, owner, named)

        assert catalogue.recall(organisation_id=owner.organisation_id, lines=[unnamed], now=NOW) is None
        assert catalogue.recall(organisation_id=owner.organisation_id, lines=[named], now=NOW) is not None


def known_as(engine: Engine, owner: Owner, number: str, *, kind: str = "old") -> None:
    """Give the owner's part another number."""
    with unit_of_work(engine) as session:
        add_alias(
            session,
            organisation_id=owner.organisation_id,
            part_no=owner.part_no,
            alias=NewAlias(kind=kind, number=number),
            actor="key_1",
            now=NOW,
        )


def test_a_part_can_be_ordered_by_its_other_numbers(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner, catalogue = given_owner(engine), Catalogue()
        known_as(engine, owner, "OLD-77")
        known_as(engine, owner, "4006381333931", kind="gtin")
        lines = (
            AskedLine(part="RL-0001"),
            AskedLine(part="OLD-77"),
            AskedLine(part="OLD-77", revision="A"),
            AskedLine(part="4006381333931"),
        )

        found = look_up(engine, catalogue, owner, *lines)

        assert {item.part for item in found} == {"RL-0001"}
        assert [item.revision_id for item in found] == [owner.revision_id] * 4
        assert catalogue.recall(organisation_id=owner.organisation_id, lines=lines, now=NOW) == found


def test_another_number_counts_for_its_own_owner_and_to_the_letter(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner, other = given_owner(engine), given_owner(engine, name="Suedbahn")
        known_as(engine, owner, "OLD-77")

        for asking, number in ((other, "OLD-77"), (owner, "old-77"), (owner, "OLD-7")):
            with pytest.raises(PartNotInInventory, match=f"you have no part {number}") as refusal:
                look_up(engine, Catalogue(), asking, AskedLine(part=number))
            assert refusal.value.problems[0].pointer == "/lines/0/part"


def test_an_old_number_of_a_part_without_a_released_revision_is_told_so(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        known_as(engine, owner, "OLD-77")
        with unit_of_work(engine) as session:
            withdraw_revision(session, revision_id=owner.revision_id, actor="key_1", now=NOW)

        with pytest.raises(RevisionNotReleased, match="OLD-77 has no released revision"):
            look_up(engine, Catalogue(), owner, AskedLine(part="OLD-77"))
        with pytest.raises(RevisionWithdrawn, match="revision A of RL-0001 is withdrawn"):
            look_up(engine, Catalogue(), owner, AskedLine(part="OLD-77", revision="A"))


def test_looking_up_again_sees_a_new_release(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner, catalogue, line = given_owner(engine), Catalogue(), AskedLine(part="RL-0001")
        look_up(engine, catalogue, owner, line)
        revision_b = given_revision(engine, part_id=owner.part_id, revision="B")

        assert look_up(engine, catalogue, owner, line)[0].revision_id == revision_b
        recalled = catalogue.recall(organisation_id=owner.organisation_id, lines=[line], now=NOW)
        assert recalled is not None
        assert recalled[0].revision == "B"


def test_every_line_that_can_not_be_ordered_is_named(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        given_part(engine, organisation_id=owner.organisation_id, part_no="RL-0002")
        refusal = refusal_of(
            engine,
            owner,
            AskedLine(part="RL-0001"),
            AskedLine(part="XX-1"),
            AskedLine(part="RL-0001", revision="Z"),
            AskedLine(part="RL-0002"),
        )

    assert isinstance(refusal, PartNotInInventory)
    assert (refusal.code, refusal.status) == ("unknown_part", 422)
    assert [(problem.pointer, problem.message) for problem in refusal.problems] == [
        ("/lines/1/part", "you have no part XX-1: GET /v1/parts"),
        ("/lines/2/revision", "RL-0001 has no revision Z, only A"),
        ("/lines/3/part", "RL-0002 has no released revision: release one first"),
    ]


def test_a_part_of_another_owner_is_unknown(database: Database) -> None:
    with engine_for(database.url) as engine:
        given_owner(engine, part_no="RL-0009")
        owner = given_owner(engine, name="Südbahn")

        assert isinstance(refusal_of(engine, owner, AskedLine(part="RL-0009")), PartNotInInventory)


def test_a_withdrawn_a_superseded_and_a_draft_revision_each_say_what_to_order_instead(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        given_revision(engine, part_id=owner.part_id, revision="B")
        draft = given_revision(engine, part_id=owner.part_id, revision="C", state="draft")
        withdrawn = given_revision(engine, part_id=owner.part_id, revision="D", state="validated")
        with unit_of_work(engine) as session:
            withdraw_revision(session, revision_id=withdrawn, actor="system:test", now=NOW)

        refusals = [refusal_of(engine, owner, AskedLine(part="RL-0001", revision=name)) for name in "ACD"]

    assert draft != withdrawn
    assert [type(refusal) for refusal in refusals] == [RevisionNotReleased, RevisionNotReleased, RevisionWithdrawn]
    assert [refusal.message for refusal in refusals] == [
        "revision A of RL-0001 is superseded, not released: order revision B",
        "revision C of RL-0001 is draft, not released: order revision B",
        "revision D of RL-0001 is withdrawn: order revision B",
    ]
    assert {refusal.problems[0].pointer for refusal in refusals} == {"/lines/0/revision"}


def test_a_part_whose_only_revision_was_withdrawn_has_nothing_to_order(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        with unit_of_work(engine) as session:
            withdraw_revision(session, revision_id=owner.revision_id, actor="system:test", now=NOW)

        named = refusal_of(engine, owner, AskedLine(part="RL-0001", revision="A"))
        unnamed = refusal_of(engine, owner, AskedLine(part="RL-0001"))

    assert (type(named), named.message) == (
        RevisionWithdrawn,
        "revision A of RL-0001 is withdrawn: release another one first",
    )
    assert (type(unnamed), unnamed.code) == (RevisionNotReleased, "revision_not_released")


def test_a_released_revision_of_a_part_that_has_none_yet_can_be_ordered_at_once(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner, catalogue = given_owner(engine), Catalogue()
        part_id = given_part(engine, organisation_id=owner.organisation_id, part_no="RL-0002", criticality="aog")
        revision = given_revision(engine, part_id=part_id, revision="A", state="validated")
        line = AskedLine(part="RL-0002")
        with pytest.raises(RevisionNotReleased):
            look_up(engine, catalogue, owner, line)
        with unit_of_work(engine) as session:
            release(session, revision)

        (found,) = look_up(engine, catalogue, owner, line)
        assert (found.revision_id, found.criticality) == (revision, "aog")


def test_a_refusal_names_the_first_reason(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)

        refusal = refusal_of(engine, owner, AskedLine(part="RL-0001", revision="Z"), AskedLine(part="XX-1"))

    assert isinstance(refusal, RevisionNotInInventory)
    assert (refusal.code, len(refusal.problems)) == ("unknown_revision", 2)
