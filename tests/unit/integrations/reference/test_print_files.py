"""Print files of reference parts: drawn once, found in the store after that, drawn again when something is wrong."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fabroute.integrations.object_storage import open_print_file_store
from fabroute.integrations.reference.print_files import DrawnFileRefused, PrintFileMaker
from fabroute.inventory.ports import (
    PrintFileStore,
    PrintFileStoreDown,
    ValidationOutcome,
    ValidationRequest,
)
from tests.factories.print_files import TETRAHEDRON, a_package, an_object, in_process, inspected
from tests.factories.reference import changed, read_reference, write_reference
from tests.fakes.print_file_store import FakePrintFileStore


@pytest.fixture
def store(tmp_path: Path) -> PrintFileStore:
    """A store in a folder, which remembers what was drawn."""
    return open_print_file_store((tmp_path / "store").as_uri())


def the_notes(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "store" / "notes").iterdir())


def test_a_print_file_is_drawn_checked_and_stored_and_the_next_time_found(
    tmp_path: Path, store: PrintFileStore
) -> None:
    parts = read_reference(write_reference(tmp_path)).parts
    steps: list[tuple[str, int, int]] = []
    maker = PrintFileMaker(store, validator=in_process)
    made = maker.make_all(parts, progress=lambda *step: steps.append(step))
    released = inspected(store.get(made["XX-1"].sha256))
    assert released.measures is not None
    assert (made["XX-1"].sha256, made["XX-1"].triangles) == (released.source_sha256, released.measures.triangles)
    box = (made["XX-1"].box_x_mm, made["XX-1"].box_y_mm, made["XX-1"].box_z_mm)
    assert box == pytest.approx(released.measures.box_mm, abs=1e-4)
    assert made["XX-1"].volume_cm3 == pytest.approx(6.2, rel=0.02)
    assert (steps, maker.drawn) == ([("print files", 1, 1)], 1)
    again = PrintFileMaker(store, validator=in_process)
    assert again.make(parts[0].value) == made["XX-1"]
    assert again.drawn == 0


def test_another_name_or_size_is_another_file(tmp_path: Path, store: PrintFileStore) -> None:
    part = read_reference(write_reference(tmp_path)).parts[0].value
    maker = PrintFileMaker(store, validator=in_process)
    first = maker.make(part)
    renamed = maker.make(replace(part, name="Clip, long"))
    assert renamed.sha256 != first.sha256
    assert maker.make(replace(part, volume_cm3=6.4)).volume_cm3 == pytest.approx(6.4, rel=0.02)
    assert maker.drawn == 3


def test_a_file_that_is_gone_or_damaged_is_drawn_again(tmp_path: Path, store: PrintFileStore) -> None:
    part = read_reference(write_reference(tmp_path)).parts[0].value
    first = PrintFileMaker(store, validator=in_process).make(part)
    path = tmp_path / "store" / first.sha256[:2] / first.sha256
    for break_it in (path.unlink, lambda: path.write_bytes(b"damaged")):
        break_it()
        maker = PrintFileMaker(store, validator=in_process)
        assert maker.make(part) == first
        assert maker.drawn == 1
        assert inspected(store.get(first.sha256)).valid


@pytest.mark.parametrize("note", [b"", b"[]", b"{}", json.dumps({"sha256": "not a hash"}).encode()])
def test_a_note_that_makes_no_sense_is_ignored(tmp_path: Path, store: PrintFileStore, note: bytes) -> None:
    part = read_reference(write_reference(tmp_path)).parts[0].value
    first = PrintFileMaker(store, validator=in_process).make(part)
    the_notes(tmp_path)[0].write_bytes(note)
    maker = PrintFileMaker(store, validator=in_process)
    assert maker.make(part) == first
    assert maker.drawn == 1
    assert json.loads(the_notes(tmp_path)[0].read_bytes())["sha256"] == first.sha256


def test_a_store_without_a_memory_gets_every_file_drawn(tmp_path: Path) -> None:
    part = read_reference(write_reference(tmp_path)).parts[0].value
    store = FakePrintFileStore()
    maker = PrintFileMaker(store, validator=in_process)
    assert maker.make(part) == maker.make(part)
    assert (maker.drawn, len(store.files)) == (2, 4)  # as drawn, as released, a picture and a model
    store.down = True
    with pytest.raises(PrintFileStoreDown):
        maker.make(part)


def test_a_part_that_no_shape_fits_is_a_problem_of_its_line(tmp_path: Path, store: PrintFileStore) -> None:
    solid = {"parts": changed("parts", "XX-1", "RL-0003")["parts"].replace("22,6.2", "22,45.5")}
    parts = read_reference(write_reference(tmp_path, **solid)).parts
    assert PrintFileMaker(store, validator=in_process).make_all(parts, progress=lambda *_: None) == {}
    found = parts[0].row.problems.found
    assert [(problem.file, problem.line, problem.column) for problem in found] == [("parts.csv", 2, "volume_cm3")]
    assert found[0].advice.endswith("correct the box or the volume")


def test_a_file_whose_picture_is_gone_is_drawn_again(tmp_path: Path, store: PrintFileStore) -> None:
    part = read_reference(write_reference(tmp_path)).parts[0].value
    first = PrintFileMaker(store, validator=in_process).make(part)
    assert first.preview_sha256 is not None
    (tmp_path / "store" / first.preview_sha256[:2] / first.preview_sha256).unlink()
    maker = PrintFileMaker(store, validator=in_process)
    assert maker.make(part) == first
    assert (maker.drawn, store.exists(first.preview_sha256)) == (1, True)


def test_a_drawn_file_that_the_validation_refuses_is_not_kept(tmp_path: Path, store: PrintFileStore) -> None:
    part = read_reference(write_reference(tmp_path)).parts[0].value
    inside_out = tuple(tuple(reversed(corners)) for corners in TETRAHEDRON[1])
    wrong = a_package(objects=an_object(mesh=(TETRAHEDRON[0], inside_out)))

    def of_another_file(source: Path, *, request: ValidationRequest, workspace: Path) -> ValidationOutcome:
        source.write_bytes(wrong)
        return in_process(source, request=request, workspace=workspace)

    with pytest.raises(DrawnFileRefused, match="the print file drawn for XX-1 is refused: All triangles face inwards"):
        PrintFileMaker(store, validator=of_another_file).make(part)
    assert not (tmp_path / "store" / "notes").exists()
