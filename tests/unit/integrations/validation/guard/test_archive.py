import io
import tracemalloc
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from fabroute.integrations.validation.guard.archive import Archive, open_archive
from fabroute.integrations.validation.types import Limits, Refusal
from tests.factories.threemf import Item, archive, items, package, sound_descriptor
from tests.unit.integrations.validation.guard.refusing import SMALL, finding_of

CONTENTS: Mapping[str, bytes] = {"a.txt": b"first", "b/c.bin": bytes(range(256)) * 300, "empty": b""}


def opened(content: bytes, *, limits: Limits | None = None) -> Archive:
    return open_archive(io.BytesIO(content), limits or Limits())


def by_zipfile(*, compression: int, streamed: bool = False) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target if not streamed else Unseekable(target), "w", compression) as file:
        for name, content in CONTENTS.items():
            file.writestr(name, content)
    return target.getvalue()


class Unseekable(io.RawIOBase):
    """A target that zipfile can only write forward, so that it puts descriptors behind the items."""

    def __init__(self, target: io.BytesIO) -> None:
        self.target = target

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return self.target.write(bytes(data))  # type: ignore[call-overload]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("streamed", [False, True])
def test_archives_of_another_program_are_read_as_it_wrote_them(compression: int, streamed: bool) -> None:
    found = opened(by_zipfile(compression=compression, streamed=streamed))
    assert list(found.entries) == list(CONTENTS)
    assert {name: found.read(name) for name in found.entries} == CONTENTS
    assert [entry.unpacked for entry in found.entries.values()] == [5, 76_800, 0]


def test_zip64_items_of_another_program_are_read() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file, file.open("a.txt", "w", force_zip64=True) as part:
        part.write(b"large in name only")
    found = opened(target.getvalue())
    assert found.read("a.txt") == b"large in name only"
    assert found.entries["a.txt"].unpacked == 18


def test_what_the_factory_writes_is_what_zipfile_reads() -> None:
    with zipfile.ZipFile(io.BytesIO(package())) as file:
        assert file.testzip() is None
        assert file.namelist() == [item.name for item in items()]
        assert [file.read(str(item.name)) for item in items()] == [item.raw() for item in items()]


@pytest.mark.parametrize("signature", [True, False])
@pytest.mark.parametrize("large", [True, False])
def test_descriptors_are_understood_with_and_without_signature_and_zip64(signature: bool, large: bool) -> None:
    item = Item(name="a.txt", content="content")
    described = Item(
        name="a.txt", content="content", descriptor=sound_descriptor(item, signature=signature, large=large)
    )
    found = opened(archive(described, Item(name="b.txt", content="more")))
    assert found.read("a.txt") == b"content"
    assert found.read("b.txt") == b"more"


def test_a_part_that_unpacks_to_more_than_it_declares_is_left_at_the_declared_size() -> None:
    huge = Item(name="a.bin", content=b"7" * 4_000_000, both={"unpacked": 70_000})
    yielded: list[bytes] = []
    with pytest.raises(Refusal, match="70,000 bytes for a part that holds more"):
        yielded.extend(opened(archive(huge)).stream("a.bin"))
    assert b"".join(yielded) == b"7" * 65_536


def test_unpacking_keeps_no_more_than_some_blocks_in_memory() -> None:
    content = archive(Item(name="a.bin", content=b"".join(n.to_bytes(4, "little") for n in range(1_000_000))))
    found = opened(content)
    tracemalloc.start()
    total = sum(len(block) for block in found.stream("a.bin"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 4_000_000
    assert peak < 400_000


def test_sizes_are_judged_before_anything_is_unpacked() -> None:
    content = archive(Item(name="a.bin", packed=b"no deflate stream at all" * 400, both={"unpacked": 1_900_000}))
    with pytest.raises(Refusal, match=r"would unpack to 1\.8 MiB; 1\.0 MiB are allowed"):
        opened(content, limits=Limits(unpacked_bytes=2**20))
    with pytest.raises(Refusal, match=r"from 9,600 to 1,900,000 bytes; 100 times"):
        opened(content, limits=Limits(part_ratio=100))
    assert opened(content).entries["a.bin"].unpacked == 1_900_000


def test_a_file_beyond_the_limit_is_not_even_opened_as_an_archive(tmp_path: Path) -> None:
    finding = finding_of(b"x" * 2_000_000, tmp_path, limits=Limits(file_bytes=2**20))
    assert finding.code == "FILE_TOO_LARGE"
    assert finding.message == "The file would be 1.9 MiB; 1.0 MiB are allowed."


def test_as_many_parts_as_allowed_are_fine_and_one_more_is_not(tmp_path: Path) -> None:
    parts = [Item(name=f"{place}.txt") for place in range(9)]
    assert len(opened(archive(*parts[:8]), limits=SMALL).entries) == 8
    finding = finding_of(archive(*parts), tmp_path, limits=SMALL)
    assert (finding.code, finding.message) == (
        "ARCHIVE_TOO_MANY_PARTS",
        "The archive holds 9 parts; 8 are allowed.",
    )


def test_a_refusal_names_the_part_and_says_what_to_do(tmp_path: Path) -> None:
    finding = finding_of(archive(*items(), Item(name="a.bin", content="x", both={"flags": 1})), tmp_path)
    assert (finding.code, finding.severity, finding.where) == ("ARCHIVE_ENCRYPTED", "error", "a.bin")
    assert finding.advice.startswith("Send the file without a password")


def test_every_cut_of_a_package_is_refused_and_never_read_in_part(tmp_path: Path) -> None:
    whole = package()
    codes = {finding_of(whole[:length], tmp_path).code for length in range(0, len(whole), 3)}
    assert codes == {"FILE_EMPTY", "NOT_A_PACKAGE", "ARCHIVE_TRUNCATED"}
    assert opened(whole).entries.keys() == {item.name for item in items()}
