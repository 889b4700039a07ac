"""The zip archive of a package, read by its own records: one reading only is possible, or the file is refused.

The layout is that of PKWARE's APPNOTE 6.3 as far as ISO/IEC 29500-2 (OPC) annex C admits it: stored or deflated items,
no encryption, one volume. Beyond both, every byte of the file must belong to an item or to the directory, because
programs differ about bytes that don't.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from fabroute.integrations.validation.guard.names import check_names, decoded_name
from fabroute.integrations.validation.guard.refusals import COARSER, PACK_AGAIN, SEND_AGAIN, refuse, shown
from fabroute.integrations.validation.types import Limits

LOCAL_SIGNATURE = b"PK\x03\x04"
CENTRAL_SIGNATURE = b"PK\x01\x02"
END_SIGNATURE = b"PK\x05\x06"
SMALL_PART = 2**20
"""Bytes up to which a part may unpack from as little as it likes."""

_BLOCK = 65_536
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT = 65_535
_LARGEST_DIRECTORY = 2**24
_ALL_16, _ALL_32 = 0xFFFF, 0xFFFFFFFF
_ENCRYPTED_FLAGS = 0x1 | 0x40 | 0x2000
_DESCRIPTOR_FLAG = 0x8
_PATCH_FLAG = 0x20
_FLAGS_READ = _ENCRYPTED_FLAGS | _DESCRIPTOR_FLAG | _PATCH_FLAG | 0x800
"""Those that change how the item is read; programs may differ about the others."""
_ZIP64_EXTRA, _UNICODE_PATH_EXTRA = 0x0001, 0x7075
_STORED, _DEFLATED = 0, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item of the archive, as the directory at its end describes it."""

    name: str
    raw_name: bytes
    flags: int
    method: int
    checksum: int
    packed: int
    unpacked: int
    offset: int
    """Of its local header, in bytes from the start of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """An archive in which directory and items agree; the content of the items is not read yet."""

    file: BinaryIO
    entries: Mapping[str, Entry]
    starts: Mapping[str, int]
    """Where the packed bytes of each item begin."""

    def stream(self, name: str) -> Iterator[bytes]:
        """Yield an item's content block by block, never more than declared; ``Refusal`` if it isn't as declared."""
        entry = self.entries[name]
        checksum = total = 0
        for block in self._inflated(entry):
            total += len(block)
            if total > entry.unpacked:
                break
            checksum = zlib.crc32(block, checksum)
            yield block
        if total != entry.unpacked:
            refuse(
                "ARCHIVE_SIZE_LIE",
                f"The archive declares {entry.unpacked:,} bytes for a part that holds "
                f"{'more' if total > entry.unpacked else f'{total:,}'}.",
                PACK_AGAIN,
                where=name,
            )
        if checksum != entry.checksum:
            refuse("ARCHIVE_CHECKSUM", "The checksum of a part does not match its content.", SEND_AGAIN, where=name)

    def read(self, name: str) -> bytes:
        """Return an item's content, for small items."""
        return b"".join(self.stream(name))

    def _inflated(self, entry: Entry) -> Iterator[bytes]:
        if entry.method == _STORED:
            yield from self._packed(entry)
            return
        inflater, taken = zlib.decompressobj(-zlib.MAX_WBITS), 0
        try:
            for block in self._packed(entry):
                taken += len(block)
                yield from _unpacked_blocks(inflater, block)
                if inflater.eof:
                    break
        except zlib.error as error:
            refuse("ARCHIVE_DAMAGED", f"A part can't be unpacked ({error}).", SEND_AGAIN, where=entry.name)
        if not inflater.eof or inflater.unused_data or taken < entry.packed:
            what = "goes on after its end" if inflater.eof else "ends too early"
            refuse("ARCHIVE_DAMAGED", f"The packed data of a part {what}.", SEND_AGAIN, where=entry.name)

    def _packed(self, entry: Entry) -> Iterator[bytes]:
        position, end = self.starts[entry.name], self.starts[entry.name] + entry.packed
        while position < end:
            self.file.seek(position)
            block = self.file.read(min(_BLOCK, end - position))
            position += len(block)
            yield block


def open_archive(file: BinaryIO, limits: Limits) -> Archive:
    """Return the archive in ``file``; ``Refusal`` if it is too large by what it declares or can be read in two ways."""
    size = _bear_size(file, limits)
    end, count, directory_size, directory_start = _directory_place(file, size, limits)
    if directory_start + directory_size != end:
        _refuse_misplaced(file, directory_start, end - directory_size)
    entries = _directory(_read_at(file, directory_start, directory_size), count)
    check_names([entry.name for entry in entries])
    for entry in entries:
        _bear_entry(entry, limits)
    unpacked = sum(entry.unpacked for entry in entries)
    if unpacked > limits.unpacked_bytes:
        refuse("ARCHIVE_TOO_LARGE", _too_large("unpack to", unpacked, limits.unpacked_bytes), COARSER)
    starts = _item_starts(file, entries, directory_start)
    return Archive(file=file, entries={entry.name: entry for entry in entries}, starts=starts)


def _bear_size(file: BinaryIO, limits: Limits) -> int:
    size = file.seek(0, 2)
    if size == 0:
        refuse("FILE_EMPTY", "The file has no content (0 bytes).", SEND_AGAIN)
    if size > limits.file_bytes:
        refuse("FILE_TOO_LARGE", _too_large("be", size, limits.file_bytes), COARSER)
    return size


def _too_large(verb: str, size: int, allowed: int) -> str:
    return f"The file would {verb} {size / 2**20:,.1f} MiB; {allowed / 2**20:,.1f} MiB are allowed."


def _read_at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)


# ---------------------------------------------------------------- the record at the end


def _directory_place(file: BinaryIO, size: int, limits: Limits) -> tuple[int, int, int, int]:
    """Return where the directory must end, how many items it has, its size and where it says that it begins."""
    position, record = _end_record(file, size)
    _, disk, first_disk, count_here, count, directory_size, start, _ = record
    if disk not in (0, _ALL_16) or first_disk not in (0, _ALL_16):
        refuse("ARCHIVE_SPLIT", "The archive is one volume of several.", PACK_AGAIN)
    if count_here != count:
        refuse("ARCHIVE_DISAGREES", f"The archive counts {count_here} and {count} parts.", PACK_AGAIN)
    locator = _read_at(file, max(position - _LOCATOR.size, 0), _LOCATOR.size)
    if locator.startswith(b"PK\x06\x07"):
        position, count, directory_size, start = _zip64_end(file, position, (count, directory_size, start))
    if count > limits.package_parts:
        refuse(
            "ARCHIVE_TOO_MANY_PARTS",
            f"The archive holds {count:,} parts; {limits.package_parts:,} are allowed.",
            "Send one part a file, without pictures and settings that printing doesn't need.",
        )
    if directory_size > _LARGEST_DIRECTORY or start > size:
        refuse("ARCHIVE_DAMAGED", "The archive's directory lies outside of the file.", SEND_AGAIN)
    return position, count, directory_size, start


def _end_record(file: BinaryIO, size: int) -> tuple[int, tuple[int, ...]]:
    tail_start = max(0, size - _END.size - _LONGEST_COMMENT)
    tail = _read_at(file, tail_start, size - tail_start)
    found = tail.rfind(END_SIGNATURE)
    if found < 0:
        _refuse_without_end(file)
    if len(tail) - found < _END.size:
        refuse("ARCHIVE_TRUNCATED", "The file ends inside the archive's last record.", SEND_AGAIN)
    record = _END.unpack_from(tail, found)
    missing = found + _END.size + record[-1] - len(tail)
    if missing > 0:
        refuse("ARCHIVE_TRUNCATED", f"{missing:,} bytes are missing at the end of the file.", SEND_AGAIN)
    if missing < 0:
        refuse("ARCHIVE_TRAILING_DATA", f"{-missing:,} bytes follow the end of the archive.", PACK_AGAIN)
    if tail.count(END_SIGNATURE) > 1:
        _refuse_two_ends(tail, found)
    return tail_start + found, record


def _refuse_two_ends(tail: bytes, found: int) -> None:
    """Refuse if an earlier end record with a comment reaches the end of the file, too."""
    earlier = tail.find(END_SIGNATURE)
    while earlier < found:
        if earlier + _END.size <= len(tail) and earlier + _END.size + _END.unpack_from(tail, earlier)[-1] == len(tail):
            refuse("ARCHIVE_AMBIGUOUS", "The archive ends twice: programs would read different content.", PACK_AGAIN)
        earlier = tail.find(END_SIGNATURE, earlier + 1)


def _refuse_without_end(file: BinaryIO) -> None:
    if _read_at(file, 0, 4) == LOCAL_SIGNATURE:
        refuse("ARCHIVE_TRUNCATED", "The file is the beginning of an archive; its end is missing.", SEND_AGAIN)
    refuse("NOT_A_PACKAGE", "The file is no zip archive, as a 3MF file must be.")


def _zip64_end(file: BinaryIO, end: int, classic: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Return the place and figures of the large form of the end record, if they don't contradict the classic ones."""
    locator = end - _LOCATOR.size
    _, _, offset, disks = _LOCATOR.unpack(_read_at(file, locator, _LOCATOR.size))
    raw = _read_at(file, offset, _END64.size) if offset < locator else b""
    if len(raw) < _END64.size or raw[:4] != b"PK\x06\x06" or disks > 1:
        refuse("ARCHIVE_DAMAGED", "The archive's zip64 end record is missing.", SEND_AGAIN)
    _, length, _, _, disk, first_disk, count_here, count, size, start = _END64.unpack(raw)
    if offset + 12 + length != locator or disk or first_disk or count_here != count:
        refuse("ARCHIVE_DISAGREES", "The archive's zip64 end record contradicts itself.", PACK_AGAIN)
    for small, large, ones in zip(classic, (count, size, start), (_ALL_16, _ALL_32, _ALL_32), strict=True):
        if small not in (large, ones):
            refuse("ARCHIVE_DISAGREES", f"The archive's end records disagree: {small:,} and {large:,}.", PACK_AGAIN)
    return offset, count, size, start


def _refuse_misplaced(file: BinaryIO, stated: int, actual: int) -> None:
    """Say what is wrong with a directory that isn't where the end record says."""
    if actual > stated and _read_at(file, actual - stated, 4) == LOCAL_SIGNATURE:
        refuse("ARCHIVE_LEADING_DATA", f"{actual - stated:,} bytes stand before the archive.", PACK_AGAIN)
    refuse("ARCHIVE_DAMAGED", f"The archive's directory is {abs(actual - stated):,} bytes off its place.", SEND_AGAIN)


# ---------------------------------------------------------------- the directory


def _directory(raw: bytes, count: int) -> list[Entry]:
    entries: list[Entry] = []
    position = 0
    while position < len(raw):
        if len(raw) - position < _CENTRAL.size or raw[position : position + 4] != CENTRAL_SIGNATURE:
            refuse("ARCHIVE_DAMAGED", f"Entry {len(entries) + 1} of the archive's directory is damaged.", SEND_AGAIN)
        entry, position = _directory_entry(raw, position)
        entries.append(entry)
    if len(entries) != count or position != len(raw):
        refuse("ARCHIVE_DISAGREES", f"The archive declares {count:,} parts and lists {len(entries):,}.", PACK_AGAIN)
    return entries


def _directory_entry(raw: bytes, position: int) -> tuple[Entry, int]:
    fields = _CENTRAL.unpack_from(raw, position)
    flags, method, checksum, packed, unpacked = fields[3], fields[4], *fields[7:10]
    name_length, extra_length, comment_length, disk, offset = *fields[10:14], fields[16]
    name_end = position + _CENTRAL.size + name_length
    raw_name = raw[position + _CENTRAL.size : name_end]
    name = decoded_name(raw_name, flags)
    if disk not in (0, _ALL_16):
        refuse("ARCHIVE_SPLIT", "A part lies in another volume of the archive.", PACK_AGAIN, where=name)
    extra = raw[name_end : name_end + extra_length]
    _refuse_second_name(extra, raw_name, name)
    unpacked, packed, offset = _large_values(extra, (unpacked, packed, offset), name)
    entry = Entry(
        name=name,
        raw_name=raw_name,
        flags=flags,
        method=method,
        checksum=checksum,
        packed=packed,
        unpacked=unpacked,
        offset=offset,
    )
    return entry, name_end + extra_length + comment_length


def _large_values(extra: bytes, classic: tuple[int, ...], name: str) -> tuple[int, ...]:
    """Return sizes with those taken from the zip64 field that don't fit 32 bits; it holds these and no others."""
    wanted = [place for place, value in enumerate(classic) if value == _ALL_32]
    if not wanted:
        return classic
    field = _extra_field(extra, _ZIP64_EXTRA)
    if len(field) < 8 * len(wanted):
        refuse("ARCHIVE_DISAGREES", "A part declares a zip64 size and doesn't give it.", PACK_AGAIN, where=name)
    values = list(classic)
    for place, value in zip(wanted, struct.unpack_from(f"<{len(wanted)}Q", field), strict=True):
        values[place] = value
    return tuple(values)


def _extra_field(extra: bytes, wanted: int) -> bytes:
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        if kind == wanted:
            return extra[position + 4 : position + 4 + length]
        position += 4 + length
    return b""


def _refuse_second_name(extra: bytes, raw_name: bytes, name: str) -> None:
    """Refuse an item with another name in Info-ZIP's Unicode path field, which only some programs read."""
    field = _extra_field(extra, _UNICODE_PATH_EXTRA)
    if field and field[5:] != raw_name:
        refuse("PART_NAME", f"The part {shown(name)} has two names.", PACK_AGAIN, where=name)


def _bear_entry(entry: Entry, limits: Limits) -> None:
    if entry.flags & _ENCRYPTED_FLAGS or entry.method == 99:
        refuse(
            "ARCHIVE_ENCRYPTED",
            "A part of the archive is encrypted with a password.",
            "Send the file without a password; it is kept and handed on encrypted anyway.",
            where=entry.name,
        )
    if entry.method not in (_STORED, _DEFLATED) or entry.flags & _PATCH_FLAG:
        refuse(
            "ARCHIVE_METHOD",
            f"A part is packed by method {entry.method}; a 3MF file may only store or deflate (0 or 8).",
            PACK_AGAIN,
            where=entry.name,
        )
    if entry.method == _STORED and entry.packed != entry.unpacked:
        refuse("ARCHIVE_DISAGREES", "A part that is not packed declares two sizes.", PACK_AGAIN, where=entry.name)
    if entry.unpacked > max(SMALL_PART, limits.part_ratio * entry.packed):
        refuse(
            "ARCHIVE_RATIO",
            f"A part would unpack from {entry.packed:,} to {entry.unpacked:,} bytes; {limits.part_ratio} times is "
            "the most that is unpacked.",
            "No mesh packs that well. Export the part again, as one solid without repeated parts.",
            where=entry.name,
        )


# ---------------------------------------------------------------- the items


def _item_starts(file: BinaryIO, entries: list[Entry], directory_start: int) -> dict[str, int]:
    """Return where each item's data begins, having followed the items from the file's first byte to the directory."""
    in_order = sorted(entries, key=lambda entry: entry.offset)
    starts, position = {}, 0
    for place, entry in enumerate(in_order, start=1):
        next_offset = in_order[place].offset if place < len(in_order) else directory_start
        if entry.offset != position:
            _refuse_gap(entry.name, position, entry.offset)
        starts[entry.name] = _data_start(file, entry)
        position = _item_end(file, entry, starts[entry.name], next_offset)
    if position != directory_start:
        _refuse_gap("the directory", position, directory_start)
    return starts


def _refuse_gap(what: str, position: int, offset: int) -> None:
    if offset < position:
        refuse("ARCHIVE_OVERLAP", f"Two parts share {position - offset:,} bytes of the file.", PACK_AGAIN, where=what)
    if position == 0:
        refuse("ARCHIVE_LEADING_DATA", f"{offset:,} bytes stand before the archive's first part.", PACK_AGAIN)
    refuse("ARCHIVE_HIDDEN_DATA", f"{offset - position:,} bytes belong to no part.", PACK_AGAIN, where=f"before {what}")


def _data_start(file: BinaryIO, entry: Entry) -> int:
    header = _read_at(file, entry.offset, _LOCAL.size)
    if len(header) < _LOCAL.size or header[:4] != LOCAL_SIGNATURE:
        refuse("ARCHIVE_DAMAGED", "The directory points to no part.", SEND_AGAIN, where=entry.name)
    _, _, flags, method, _, _, checksum, packed, unpacked, name_length, extra_length = _LOCAL.unpack(header)
    rest = _read_at(file, entry.offset + _LOCAL.size, name_length + extra_length)
    _refuse_second_name(rest[name_length:], entry.raw_name, entry.name)
    unpacked, packed = _large_values(rest[name_length:], (unpacked, packed), entry.name)
    stated = (flags & _FLAGS_READ, method, rest[:name_length], checksum, packed, unpacked)
    same = (entry.flags & _FLAGS_READ, entry.method, entry.raw_name, entry.checksum, entry.packed, entry.unpacked)
    deferred = entry.flags & _DESCRIPTOR_FLAG and stated == (*same[:3], 0, 0, 0)
    if stated != same and not deferred:
        refuse(
            "ARCHIVE_DISAGREES",
            "A part's own header and the archive's directory describe it differently.",
            PACK_AGAIN,
            where=entry.name,
        )
    return entry.offset + _LOCAL.size + len(rest)


def _item_end(file: BinaryIO, entry: Entry, start: int, next_offset: int) -> int:
    """Return where the item ends: after its data, or after the descriptor that repeats checksum and sizes."""
    end = start + entry.packed
    if not entry.flags & _DESCRIPTOR_FLAG:
        return end
    tail = _read_at(file, end, 24)
    for signature in (b"PK\x07\x08", b""):
        for sizes in ("<LLL", "<LQQ"):
            descriptor = signature + _packed_or_empty(sizes, entry)
            if end + len(descriptor) == next_offset and tail.startswith(descriptor):
                return next_offset
    refuse("ARCHIVE_DISAGREES", "A part's descriptor contradicts the directory.", PACK_AGAIN, where=entry.name)


def _packed_or_empty(sizes: str, entry: Entry) -> bytes:
    if sizes == "<LLL" and max(entry.packed, entry.unpacked) > _ALL_32:
        return b"\0" * 24
    return struct.pack(sizes, entry.checksum, entry.packed, entry.unpacked)


def _unpacked_blocks(inflater: "zlib._Decompress", block: bytes) -> Iterator[bytes]:
    while block:
        yield inflater.decompress(block, _BLOCK)
        if inflater.eof:
            return
        block = inflater.unconsumed_tail
