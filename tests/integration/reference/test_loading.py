"""Loading the reference network into PostgreSQL: the published figures, the same again, and nothing half-written."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.integrations.object_storage import open_print_file_store
from fabroute.integrations.reference import InvalidReferenceData, SeedReport, load_reference, reference_folder
from fabroute.inventory.ports import PrintFileStore
from fabroute.inventory.service import (
    NewAlias,
    NewInstallation,
    RevisionFrozen,
    add_alias,
    find_parts,
    install_part,
    read_revisions,
    withdraw_revision,
)
from fabroute.inventory.service.matching import match_parts
from fabroute.logistics.service import load_places, read_logistics
from fabroute.network.service import (
    NetworkView,
    Reservation,
    StatusChange,
    find_node,
    get_node,
    read_network,
    reserve,
    set_node_status,
)
from fabroute.qualification.rules import MachineRow, PrintNeeds, capable_by_plain_rule
from fabroute.qualification.service import read_qualifications
from tests.conftest import Database
from tests.factories.databases import engine_for, rows
from tests.factories.reference import changed, write_names, write_reference
from tests.factories.statements import counted_statements
from tests.fakes.print_file_store import FakePrintFileStore
from tests.fakes.signer import FakeSigner

NOW = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
TODAY = NOW.date()
TABLES = (
    *("organisations", "nodes", "machine_models", "materials", "machines", "machine_offers", "material_lots"),
    *("places", "lanes", "carrier_tariffs", "duty_rules", "carbon_factors", "certificates", "first_articles"),
    *("grid_intensities", "exchange_rates"),
    *(
        "parts",
        "part_aliases",
        "asset_positions",
        "part_revisions",
        "print_files",
        "capacity_slots",
        "outbox_events",
        "audit_entries",
    ),
)
PUBLISHED = {
    **{"RL-0001": (14, 8), "RL-0002": (22, 4), "RL-0003": (18, 17), "RL-0004": (14, 3), "RL-0005": (11, 4)},
    **{"RL-0006": (14, 11), "AP-0101": (21, 19), "AP-0102": (21, 2), "AP-0103": (22, 21), "AP-0104": (14, 13)},
    **{"AP-0105": (22, 22), "FU-0201": (39, 39), "FU-0202": (14, 14), "FU-0203": (17, 14), "FU-0204": (7, 7)},
    **{"FU-0205": (12, 12), "MA-0301": (17, 4), "MA-0302": (12, 2), "MA-0303": (14, 11), "MA-0304": (3, 2)},
    **{"MA-0305": (27, 24), "AE-0401": (18, 5), "AE-0402": (14, 3), "AE-0403": (6, 2), "AE-0404": (11, 2)},
    **{"AE-0405": (21, 7), "ME-0501": (20, 5), "ME-0502": (14, 5), "ME-0503": (21, 6), "ME-0504": (22, 6)},
    **{"ZZ-0901": (0, 0), "ZZ-0902": (5, 0)},
}
"""Nodes that are capable, and those of them that are certified on 15 June 2026, as published for the network."""


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine for an empty database."""
    with engine_for(database.url) as made:
        yield made


def load(
    engine: Engine,
    *,
    folder: Path | None = None,
    store: PrintFileStore | None = None,
    as_of: date | None = None,
    now: datetime = NOW,
) -> SeedReport:
    return load_reference(
        engine, folder=folder or reference_folder(), store=store, signer=FakeSigner(), as_of=as_of, now=now
    )


def contents(session: Session) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table that a loading writes to."""
    return {table: sorted(rows(session, f"SELECT t::text FROM {table} AS t"), key=str) for table in TABLES}


def machine_rows(network: NetworkView) -> list[MachineRow]:
    return [
        MachineRow(
            node_id=offer.node_id,
            process_material=f"{offer.process}:{offer.material.code}",
            box_mm=(offer.model.x_mm, offer.model.y_mm, offer.model.z_mm),
        )
        for offer in network.offers
    ]


# ---------------------------------------------------------------- the published network


def test_the_published_counts_of_all_32_parts_hold_for_what_was_loaded(engine: Engine) -> None:
    report = load(engine)
    with unit_of_work(engine) as session:
        network = read_network(session, first_day=TODAY, last_day=TODAY)
        certificates = read_qualifications(session, revision_ids=[]).certificates
        revisions = read_revisions(session, revision_ids=[f"rev_{part_no}_A" for part_no in PUBLISHED])
    found = {}
    for revision in revisions.values():
        needs = PrintNeeds(
            box_mm=(revision.box_x_mm, revision.box_y_mm, revision.box_z_mm),
            process_materials=revision.process_materials,
            required_certificates=revision.required_certificates,
        )
        plain = capable_by_plain_rule(needs, rows=machine_rows(network), certificates=certificates, day=TODAY)
        found[revision.part_no] = (len(plain.capable), len(plain.certified))
    assert found == PUBLISHED
    assert len(found) == report.parts == 32


def test_what_was_loaded_can_be_read_by_every_room(engine: Engine) -> None:
    report = load(engine, as_of=date(2026, 11, 22), now=datetime(2026, 11, 22, 9, tzinfo=UTC))
    today = date(2026, 11, 22)
    with unit_of_work(engine) as session:
        network = read_network(session, first_day=today, last_day=today + timedelta(days=44))
        logistics = read_logistics(session, on=today)
        places = load_places(session)
        rotterdam = get_node(session, node_id="N013")
    assert (len(network.nodes), len(network.machines), len(network.offers)) == (60, 211, 365)
    assert len(network.lots) == report.lots.total == 482
    assert {len(days) for days in network.capacity.values()} == {45}
    assert network.capacity["N001-Fortus451"][0] == 0  # a Sunday
    assert network.capacity["N001-Fortus451"][1] == 507  # 1440 minutes less 64.75 %
    assert sum(len(zones) for zones in logistics.lanes.values()) == report.lanes == 306
    assert len(logistics.freight.tariffs) == 16
    assert len(places.places) == report.places == 2104
    assert len(places.capitals) == 244
    assert (rotterdam.organisation_id, rotterdam.kind, rotterdam.minimum_order_minor) == (
        "org_N013",
        "regional_hub",
        5000,
    )


def test_the_base_day_of_certificates_lots_and_first_articles_becomes_the_wanted_day(engine: Engine) -> None:
    load(engine, as_of=date(2026, 6, 25))
    sql = "SELECT valid_to FROM certificates WHERE node_id = 'N025' AND scheme = 'FOOD'"
    with unit_of_work(engine) as session:
        assert rows(session, sql) == [(date(2026, 7, 6),)]
        assert rows(session, "SELECT count(*) FROM material_lots WHERE expires_on < '2026-06-25'") == [(24,)]
        lapsed = "SELECT count(*) FROM first_articles WHERE last_production_on < '2024-06-25'"
        assert rows(session, lapsed) == [(17,)]
        assert rows(session, "SELECT max(valid_to) FROM duty_rules") == [(date(2099, 12, 31),)]


# ---------------------------------------------------------------- again


def test_loading_twice_changes_no_row_and_tells_nothing(engine: Engine, tmp_path: Path) -> None:
    store = open_print_file_store(tmp_path.as_uri())
    folder = write_reference(tmp_path)
    first = load(engine, folder=folder, store=store)
    with unit_of_work(engine) as session:
        before = contents(session)
    second = load(engine, folder=folder, store=store, now=NOW + timedelta(hours=2))
    with unit_of_work(engine) as session:
        assert contents(session) == before
        sql = "SELECT subject_type, data ->> 'reason' FROM outbox_events WHERE data ? 'reason' ORDER BY id"
        events = rows(session, sql)
    assert (first.print_files_drawn, second.print_files_drawn, second.print_files) == (1, 0, 1)
    assert (first.changed, second.changed) == (35, 0)
    assert events == [
        ("certificates", "certificates_changed"),
        ("part_revision", "revision_released"),
        ("first_articles", "first_articles_changed"),
        ("network", "reference_loaded"),
    ]


def test_loading_the_whole_network_again_leaves_every_row_as_it_is(engine: Engine) -> None:
    load(engine)
    with unit_of_work(engine) as session:
        before = contents(session)
    assert load(engine, now=NOW + timedelta(hours=2)).changed == 0
    with unit_of_work(engine) as session:
        assert contents(session) == before


def test_loading_again_leaves_alone_what_happened_since(engine: Engine, tmp_path: Path) -> None:
    folder, store = write_reference(tmp_path), FakePrintFileStore()
    load(engine, folder=folder, store=store)
    with unit_of_work(engine) as session:
        down = StatusChange(status="down", reason="flood", expected_version=1)
        set_node_status(session, node_id="N1", change=down, actor="key_1", now=NOW)
        withdraw_revision(session, revision_id="rev_XX-1_A", actor="key_1", now=NOW)
        lot = get_node(session, node_id="N1").lots[0]
        rows(session, "UPDATE nodes SET status = 'up' RETURNING id")
        rows(session, "UPDATE material_lots SET state = 'available', reuse_count = 1 RETURNING id")
        wanted = Reservation(
            job_id="job_1", lot_id=lot.lot_id, grams=100, machine_id="N1-A", minutes_by_day=((TODAY, 10),)
        )
        assert reserve(session, reservations=(wanted,), now=NOW) == frozenset()
    load(engine, folder=folder, store=store, as_of=TODAY + timedelta(days=1), now=NOW + timedelta(days=1))
    with unit_of_work(engine) as session:
        node = get_node(session, node_id="N1")
        assert (node.version, find_node(session, node_id="N1").status_reason) == (2, "flood")
        again = next(held for held in node.lots if held.lot_id == lot.lot_id)
        assert (again.remaining_grams, again.reuse_count) == (lot.initial_grams - 100, 1)
        assert again.expires_on == lot.expires_on + timedelta(days=1)
        assert find_parts(session, organisation_id="org_owner", part_nos=["XX-1"])["XX-1"].released is None
        free = read_network(session, first_day=TODAY, last_day=TODAY).capacity["N1-A"]
        assert free == (710,)


def test_a_changed_file_changes_its_rows_and_tells_that_once(engine: Engine, tmp_path: Path) -> None:
    load(engine, folder=write_reference(tmp_path))
    dearer = changed("machine_models", "1.0,45,9.0", "1.0,50,9.0")
    assert load(engine, folder=write_reference(tmp_path, **dearer)).changed == 1
    with unit_of_work(engine) as session:
        assert rows(session, "SELECT rate_minor_per_hour FROM machine_models ORDER BY 1") == [(5000,), (6000,)]
        told = rows(session, "SELECT count(*) FROM outbox_events WHERE data ->> 'reason' = 'reference_loaded'")
        assert told == [(2,)]


# ---------------------------------------------------------------- other numbers, and machines that parts belong to


def test_a_part_is_found_by_an_old_number_and_by_its_machine(engine: Engine) -> None:
    load(engine)
    with unit_of_work(engine) as session:
        by_number = match_parts(session, organisation_id="org_owner", words="KP-1987-142")
        by_machine = match_parts(session, organisation_id="org_owner", words="P-17")
    assert [(it.part_no, it.found_in, it.found) for it in by_number] == [("MA-0301", "alias", "KP-1987-142")]
    assert [(it.part_no, it.found_in, it.found) for it in by_machine] == [
        ("MA-0301", "asset", "pump P-17 · impeller"),
        ("MA-0303", "asset", "pump P-17 · terminal box"),
    ]


def test_numbers_and_machines_are_added_to_parts_that_are_there_and_what_people_noted_stays(
    engine: Engine, tmp_path: Path
) -> None:
    folder = write_reference(tmp_path)
    load(engine, folder=folder)
    with unit_of_work(engine) as session:
        noted = NewInstallation(asset="pump P-17", position="impeller", quantity=5)
        install_part(session, organisation_id="org_owner", part_no="XX-1", installation=noted, actor="key_1", now=NOW)
        known = NewAlias(kind="supplier", number="KP-1987")
        add_alias(session, organisation_id="org_owner", part_no="XX-1", alias=known, actor="key_1", now=NOW)
    assert load(engine, folder=write_names(folder)).changed == 2
    assert load(engine, folder=folder).changed == 0
    with unit_of_work(engine) as session:
        part = find_parts(session, organisation_id="org_owner", part_nos=["XX-1"], details=True)["XX-1"]
    assert {(it.kind, it.number) for it in part.aliases} == {("supplier", "KP-1987"), ("gtin", "2000000001012")}
    assert {(it.asset, it.position, it.quantity) for it in part.installations} == {
        ("pump P-17", "impeller", 5),
        ("pump P-18", "", 1),
    }


# ---------------------------------------------------------------- print files


def test_every_part_gets_its_print_file_and_its_revision_is_released(engine: Engine, tmp_path: Path) -> None:
    store = FakePrintFileStore()
    steps: list[tuple[str, int, int]] = []
    folder = write_reference(tmp_path)
    load_reference(
        engine,
        folder=folder,
        store=store,
        signer=FakeSigner(),
        as_of=None,
        now=NOW,
        progress=lambda *step: steps.append(step),
    )
    with unit_of_work(engine) as session:
        part = find_parts(session, organisation_id="org_owner", part_nos=["XX-1"])["XX-1"]
    assert part.released is not None
    assert (part.released.revision_id, part.released.revision, part.released.released_at) == ("rev_XX-1_A", "A", NOW)
    assert (part.released.criticality, part.released.file_validated) == ("aog", True)
    print_file = part.released.file
    assert print_file is not None
    assert set(store.files) == {
        print_file.sha256,
        print_file.source_sha256,
        print_file.preview_sha256,
        print_file.model_sha256,
    }
    assert len(store.files) == 4
    assert steps[0] == ("print files", 1, 1)
    assert steps[1:] == [("loading the network", done, 8) for done in range(1, 9)]


def test_without_a_store_revisions_are_drafts_that_a_later_loading_releases(engine: Engine, tmp_path: Path) -> None:
    folder = write_reference(tmp_path)
    assert load(engine, folder=folder).print_files == 0
    sql = "SELECT state FROM part_revisions"
    with unit_of_work(engine) as session:
        assert rows(session, sql) == [("draft",)]
    assert load(engine, folder=folder, store=FakePrintFileStore()).changed == 1
    with unit_of_work(engine) as session:
        assert rows(session, sql) == [("released",)]


# ---------------------------------------------------------------- nothing half-written


def test_a_bad_file_writes_nothing_at_all(engine: Engine, tmp_path: Path) -> None:
    folder = write_reference(tmp_path, **changed("node_certs", "N1,ISO9001", "N9,ISO9001"))
    store = FakePrintFileStore()
    with pytest.raises(InvalidReferenceData, match=r"N9 is not in nodes\.csv: add it there"):
        load(engine, folder=folder, store=store)
    with unit_of_work(engine) as session:
        assert all(found == [] for found in contents(session).values())
    assert store.files == {}


def test_a_refusal_in_the_middle_rolls_back_the_whole_loading(engine: Engine, tmp_path: Path) -> None:
    load(engine, folder=write_reference(tmp_path), store=FakePrintFileStore())
    with unit_of_work(engine) as session:
        before = contents(session)
    other = changed("parts", "none,any", "itar,US") | changed("nodes", "Berlin", "Potsdam")
    with pytest.raises(RevisionFrozen, match="is released and can't change its export_class, ip_zone"):
        load(engine, folder=write_reference(tmp_path, **other), store=FakePrintFileStore())
    with unit_of_work(engine) as session:
        assert contents(session) == before


# ---------------------------------------------------------------- size


def test_a_network_of_any_size_is_read_with_as_many_statements(engine: Engine, tmp_path: Path) -> None:
    load(engine, folder=write_reference(tmp_path))
    small, few = statements_to_read(engine)
    load(engine)
    large, many = statements_to_read(engine)
    assert (len(small.nodes), len(large.nodes)) == (1, 61)
    assert (few, many) == (10, 10)


def statements_to_read(engine: Engine) -> tuple[NetworkView, int]:
    with unit_of_work(engine, repeatable_read=True) as session:
        driver = session.connection().connection.driver_connection
        assert driver is not None
        with counted_statements(driver) as sent:
            network = read_network(session, first_day=TODAY, last_day=TODAY + timedelta(days=44))
    return network, sent.executed


# ---------------------------------------------------------------- extremes


def test_the_largest_and_strangest_values_that_are_accepted_can_be_stored(engine: Engine, tmp_path: Path) -> None:
    name = "Ω" * 500
    changes = (
        changed("nodes", "Berlin,DE", f"{name},DE")
        | changed("materials", "60,0.2", "1000000,0.2")
        | changed("machine_models", "45,9.0", "100000,10000")
        | changed("parts", ",160,", ",2000000000,")
        | changed("places", "DE,Berlin", f"DE,{name}")
        | changed("node_certs", "2025-08-05,2028-05-01", "0001-01-01,9999-12-31")
        | changed("duty_rules", "b2c,150,3", "b2c,20000000,20000000")
    )
    report = load(engine, folder=write_reference(tmp_path, **changes), as_of=TODAY + timedelta(days=1))
    with unit_of_work(engine) as session:
        assert get_node(session, node_id="N1").city == name
        assert rows(session, "SELECT max(price_minor_per_kg) FROM materials") == [(100_000_000,)]
        assert rows(session, "SELECT min(valid_from), max(valid_to) FROM certificates") == [
            (date(1, 1, 2), date(9999, 12, 31))
        ]
        assert load_places(session).find(city=name.upper(), country="DE") is not None
    assert report.parts == 1


def test_a_line_that_is_gone_from_the_files_stays_in_the_network(engine: Engine, tmp_path: Path) -> None:
    load(engine, folder=write_reference(tmp_path))
    fewer = changed("node_assets", "N1,N1-B,EOS M 290,LPBF,316L,PS-2,0.6\n", "")
    assert load(engine, folder=write_reference(tmp_path, **fewer)).machines == 1
    with unit_of_work(engine) as session:
        assert [machine.machine_id for machine in get_node(session, node_id="N1").machines] == ["N1-A", "N1-B"]
