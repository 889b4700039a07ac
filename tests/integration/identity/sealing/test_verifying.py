"""Whatever is done to a sealed log, its verification says where: position, entry, what was wrong."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlmodel import Session

from fabroute.identity.repository.seals import stream_sealed
from fabroute.identity.service.sealing.content import Link, hash_of, sealed_content
from fabroute.identity.service.sealing.sealer import entry_of
from fabroute.integrations.validation.signing import Ed25519Signer
from tests.factories.audit import sealed_ids, told, verified
from tests.factories.databases import rows
from tests.factories.organisations import BUREAU, OWNER
from tests.fakes.audit_roots import FakeRootFolder

FIFTH = 13
"""The entry in the owner's fifth position; the first signed root stands there."""


def tamper(session: Session, *statements: str, **values: object) -> None:
    """Run statements as somebody who may do everything."""
    for statement in statements:
        session.connection().execute(text(statement), values)


def test_a_whole_log_has_no_findings(tampering: Session, folder: FakeRootFolder) -> None:
    found = verified(tampering, folder=folder)

    assert found.findings == ()
    assert (found.chains, found.entries, found.roots, found.exports) == (3, 26, 6, 2)
    assert sealed_ids(tampering, chain=OWNER) == [1, 4, 7, 10, 13, 17, 20, 23]
    assert sealed_ids(tampering, chain="installation") == [3, 6, 9, 12, 15, 16, 19, 22, 25, 26]


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'key_2'",
        "action = 'job.declined'",
        "subject_type = 'order'",
        "subject_id = 'job_60'",
        "occurred_at = occurred_at + interval '1 microsecond'",
        "data = jsonb_set(data, '{price_minor}', '7')",
        "data = jsonb_set(data, '{price_minor}', '\"6\"')",
        "data = data || '{\"more\": null}'",
        "organisation_id = 'org_bureau'",
        "organisation_id = NULL",
    ],
)
def test_an_edited_entry_is_named_by_position_and_id(tampering: Session, change: str) -> None:
    tamper(tampering, f"UPDATE audit_entries SET {change} WHERE id = 7")

    found = verified(tampering).findings

    assert told(found) == [("entry_changed", OWNER, 3, 7)]
    assert found[0].message == "the entry, or its seal, is not what it was"


@pytest.mark.parametrize(
    ("statements", "findings"),
    [
        (["DELETE FROM audit_entries WHERE id = 7"], [("entry_deleted", OWNER, 3, 7)]),
        (
            ["DELETE FROM audit_seals WHERE entry_id = 7"],
            [("position_missing", OWNER, 3, None), ("entry_not_sealed", OWNER, None, 7)],
        ),
        (
            ["DELETE FROM audit_entries WHERE id IN (7, 10)", "DELETE FROM audit_seals WHERE entry_id IN (7, 10)"],
            [("position_missing", OWNER, 3, None)],
        ),
        (
            ["UPDATE audit_seals SET hash = previous_hash WHERE entry_id = 7"],
            [("entry_changed", OWNER, 3, 7), ("chain_broken", OWNER, 4, 10)],
        ),
        (
            ["UPDATE audit_seals SET previous_hash = hash WHERE entry_id = 7"],
            [("chain_broken", OWNER, 3, 7), ("entry_changed", OWNER, 3, 7)],
        ),
        (["UPDATE audit_seals SET sealed_at = now() WHERE entry_id = 7"], [("entry_changed", OWNER, 3, 7)]),
    ],
    ids=["entry deleted", "seal deleted", "both deleted", "hash", "hash before", "time of the seal"],
)
def test_what_was_taken_out_or_bent_is_named(
    tampering: Session, statements: list[str], findings: list[tuple[str, str, int | None, int | None]]
) -> None:
    tamper(tampering, *statements)

    assert told(verified(tampering).findings) == findings


def test_two_entries_that_swap_what_they_say_are_both_named(tampering: Session) -> None:
    tamper(
        tampering,
        "UPDATE audit_entries e SET subject_id = o.subject_id, data = o.data, occurred_at = o.occurred_at"
        " FROM audit_entries o WHERE (e.id, o.id) IN ((7, 10), (10, 7))",
    )

    assert told(verified(tampering).findings) == [("entry_changed", OWNER, 3, 7), ("entry_changed", OWNER, 4, 10)]


def test_two_seals_that_swap_their_entries_are_both_named(tampering: Session) -> None:
    tamper(
        tampering,
        "UPDATE audit_seals SET entry_id = -entry_id WHERE entry_id IN (7, 10)",
        "UPDATE audit_seals SET entry_id = CASE entry_id WHEN -7 THEN 10 ELSE 7 END WHERE entry_id < 0",
    )

    assert told(verified(tampering).findings) == [("entry_changed", OWNER, 3, 10), ("entry_changed", OWNER, 4, 7)]


def test_an_entry_put_in_behind_the_sealer_is_named(tampering: Session) -> None:
    tamper(tampering, "DELETE FROM audit_seals WHERE entry_id = 26", "DELETE FROM audit_entries WHERE id = 26")
    tamper(
        tampering,
        "INSERT INTO audit_watermark VALUES (1, 25, 25, 0, now()) ON CONFLICT (id) DO UPDATE SET sealed_through = 25",
        "INSERT INTO audit_entries OVERRIDING SYSTEM VALUE"
        " SELECT 0, organisation_id, now(), actor, action, subject_type, subject_id, data"
        " FROM audit_entries WHERE id = 7",
    )

    found = verified(tampering).findings

    assert told(found) == [("entry_not_sealed", OWNER, None, 0)]
    assert "has no seal: put in later, or its seal was taken" in found[0].message


def test_an_entry_put_into_the_chain_breaks_it(tampering: Session) -> None:
    tamper(
        tampering,
        "UPDATE audit_seals SET position = -position WHERE organisation_id = :owner AND position >= 8",
        "UPDATE audit_seals SET position = 1 - position WHERE position < 0",
        "INSERT INTO audit_entries OVERRIDING SYSTEM VALUE"
        " SELECT -5, organisation_id, now(), actor, action, subject_type, subject_id, data"
        " FROM audit_entries WHERE id = 7",
        "INSERT INTO audit_seals SELECT organisation_id, 8, -5, repeat('ab', 32), hash, now()"
        " FROM audit_seals WHERE entry_id = 20",
        owner=OWNER,
    )

    assert told(verified(tampering).findings) == [
        ("entry_changed", OWNER, 8, -5),
        ("rewritten", OWNER, 8, -5),
        ("chain_broken", OWNER, 9, 23),
        ("entry_changed", OWNER, 9, 23),
    ]


def test_a_tail_that_was_cut_off_is_named_by_the_signed_root(tampering: Session) -> None:
    tamper(
        tampering,
        "DELETE FROM audit_entries WHERE id IN (20, 23)",
        "DELETE FROM audit_seals WHERE entry_id IN (20, 23)",
    )

    found = verified(tampering).findings

    assert told(found) == [("truncated", OWNER, 7, None)]
    assert found[0].message == "positions 7 to 8 were cut off: a signed root knew 8 of them"


def test_who_cuts_off_the_roots_as_well_has_the_exported_ones_against_them(
    tampering: Session, folder: FakeRootFolder
) -> None:
    tamper(
        tampering,
        "DELETE FROM audit_entries WHERE organisation_id = :owner",
        "DELETE FROM audit_seals WHERE organisation_id = :owner",
        "DELETE FROM audit_roots WHERE organisation_id = :owner",
        owner=OWNER,
    )

    assert verified(tampering).findings == ()
    assert told(verified(tampering, folder=folder).findings) == [("truncated", OWNER, 1, None)]


def test_who_rewrites_the_whole_chain_has_the_signed_roots_against_them(tampering: Session) -> None:
    """An attacker who knows how seals are made edits entry 20 and makes its seal and all later ones anew."""
    tamper(tampering, "UPDATE audit_entries SET actor = 'key_9' WHERE id = 20")
    reseal(tampering, after=6)

    found = verified(tampering).findings

    assert told(found) == [("rewritten", OWNER, 8, 23)]
    assert found[0].message == "a signed root says otherwise: between positions 6 and 8"


def test_a_root_that_was_written_anew_is_no_root(tampering: Session) -> None:
    tamper(
        tampering, "UPDATE audit_roots SET position = 4 WHERE organisation_id = :owner AND position = 5", owner=OWNER
    )
    tamper(tampering, "UPDATE audit_roots SET signature = public_key WHERE organisation_id = :b", b=BUREAU)

    assert told(verified(tampering).findings) == [
        ("root_forged", BUREAU, 5, None),
        ("root_forged", BUREAU, 8, None),
        ("root_changed", OWNER, 4, None),
    ]


def test_a_root_of_another_key_is_not_trusted(tampering: Session) -> None:
    stranger = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
    (statement,) = rows(
        tampering, "SELECT statement FROM audit_roots WHERE position = 5 AND organisation_id = :o", o=OWNER
    )
    signature = stranger.sign(str(statement[0]).encode())
    tamper(
        tampering,
        "UPDATE audit_roots SET signature = :signature, public_key = :key WHERE organisation_id = :o AND position = 5",
        signature=signature,
        key=stranger.public_key,
        o=OWNER,
    )

    found = verified(tampering).findings

    assert told(found) == [("key_not_trusted", OWNER, 5, None)]
    assert stranger.public_key in found[0].message


def test_exported_files_that_are_gone_or_bent_are_named(tampering: Session, folder: FakeRootFolder) -> None:
    first, second = folder.names()
    bent = FakeRootFolder()
    bent.files = {first: folder.files[first][:-40] + b"\n"}

    found = verified(tampering, folder=bent).findings

    assert told(found) == [
        ("export_changed", "installation", None, 16),
        ("export_missing", "installation", None, 26),
        ("export_changed", "installation", None, None),
    ]
    assert [first in found[0].message, second in found[1].message, first in found[2].message] == [True] * 3


def test_one_chain_can_be_verified_alone(tampering: Session, folder: FakeRootFolder) -> None:
    tamper(tampering, "UPDATE audit_entries SET actor = 'key_2' WHERE id IN (7, 8)")

    found = verified(tampering, folder=folder, organisation_id=BUREAU)

    assert told(found.findings) == [("entry_changed", BUREAU, 3, 8)]
    assert (found.chains, found.entries, found.roots) == (1, 8, 2)


def reseal(session: Session, *, after: int) -> None:
    """Make the owner's seals after a position anew, as the sealer would have made them."""
    (previous,) = rows(
        session, "SELECT hash FROM audit_seals WHERE organisation_id = :o AND position = :a", o=OWNER, a=after
    )
    hash_before = str(previous[0])
    for row in list(stream_sealed(session, chain=OWNER, after=after)):
        link = Link(position=row.position, previous_hash=hash_before, sealed_at=row.sealed_at)
        forged = hash_of(sealed_content(entry_of(row, entry_id=row.entry_id), link))
        tamper(
            session,
            "UPDATE audit_seals SET hash = :hash, previous_hash = :before WHERE entry_id = :id",
            hash=forged,
            before=hash_before,
            id=row.entry_id,
        )
        hash_before = forged


EDITS = (
    "UPDATE audit_entries SET actor = actor || 'x' WHERE id = :id",
    "UPDATE audit_entries SET data = data || '{\"x\": 1}' WHERE id = :id",
    "UPDATE audit_entries SET occurred_at = occurred_at - interval '1 day' WHERE id = :id",
    "DELETE FROM audit_entries WHERE id = :id",
    "DELETE FROM audit_seals WHERE entry_id = :id",
    "WITH gone AS (DELETE FROM audit_seals WHERE entry_id = :id) DELETE FROM audit_entries WHERE id = :id",
    "DELETE FROM audit_seals s USING audit_seals t WHERE t.entry_id = :id AND s.organisation_id = t.organisation_id"
    " AND s.position >= t.position",
    "UPDATE audit_seals SET hash = md5(hash) || md5(hash) WHERE entry_id = :id",
    "UPDATE audit_seals SET entry_id = 1000 + :id WHERE entry_id = :id",
    "UPDATE audit_seals SET position = 1000 + position WHERE entry_id = :id",
    "UPDATE audit_seals SET organisation_id = 'org_' || entry_id WHERE entry_id = :id",
)
"""Each breaks the log wherever it hits; 26 alone, which no root knows yet, may be cut off."""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(st.tuples(st.sampled_from(EDITS), st.integers(1, 25)), min_size=1, max_size=3))
def test_any_tampering_is_found(log: Engine, edits: list[tuple[str, int]]) -> None:
    with Session(log) as session:
        for statement, entry_id in edits:
            tamper(session, statement, id=entry_id)
        found = verified(session).findings
        session.rollback()

    assert found != ()
    assert all(it.position is not None or it.entry_id is not None for it in found)
