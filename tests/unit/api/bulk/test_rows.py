import pytest
from pydantic import ValidationError

from fabroute.api.schemas.imports import CertificateRow, PartRow, RevisionRow
from fabroute.api.schemas.parts import AliasIn, InstallationIn


@pytest.mark.parametrize("alias", ['"old:4711"', '"old : 4711"', '{"kind": "old", "number": "4711"}'])
def test_another_number_is_written_short_or_as_an_object(alias: str) -> None:
    row = PartRow.model_validate_json(f'{{"part_no": "A", "aliases": [{alias}]}}')
    assert row.aliases == [AliasIn(kind="old", number="4711")]
    assert row.model_fields_set == {"part_no", "aliases"}


@pytest.mark.parametrize(
    ("place", "quantity"),
    [('"pump P-17@4"', 1), ('"pump P-17 @ 4 * 2"', 2), ('{"asset": "pump P-17", "position": "4", "quantity": 3}', 3)],
)
def test_a_place_is_written_short_or_as_an_object(place: str, quantity: int) -> None:
    row = PartRow.model_validate_json(f'{{"part_no": "A", "installations": [{place}]}}')
    assert row.installations == [InstallationIn(asset="pump P-17", position="4", quantity=quantity)]
    assert row.aliases == []


def test_an_empty_cell_of_a_choice_is_none() -> None:
    part = PartRow.model_validate_json('{"part_no": "A", "criticality": "", "name": ""}')
    revision = RevisionRow.model_validate_json('{"part_no": "A", "revision": "B", "packaging": "", "ip_zone": ""}')

    assert (part.criticality, part.name) == (None, None)
    assert (revision.packaging, revision.ip_zone) == (None, None)


def test_a_certificate_without_a_scope_is_for_the_site() -> None:
    text = '{"node_id": "N1", "scheme": "ISO9001", "scope": "", "machine_id": "", '
    row = CertificateRow.model_validate_json(text + '"valid_from": "2026-01-01", "valid_to": "2028-12-31"}')

    assert (row.scope, row.machine_id, row.valid_to.isoformat()) == ("*", None, "2028-12-31")
    with pytest.raises(ValidationError, match="valid_from"):
        CertificateRow.model_validate_json(text + '"valid_from": "01.01.2026", "valid_to": "2028-12-31"}')
