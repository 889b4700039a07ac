"""A part that is larger than every machine: how much larger than each, and the ways out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from math import ceil

from fabroute.solver.eligibility.facts import Box
from fabroute.solver.eligibility.machine import MARGIN_MM

Document = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The build box of a machine model, the processes that it serves, and how many machines of it there are."""

    model: str
    process: str
    box_mm: Box
    machines: int

    @property
    def usable_mm(self) -> Box:
        """What a part may fill: the box less the margins."""
        x, y, z = self.box_mm
        return (x - 2 * MARGIN_MM, y - 2 * MARGIN_MM, z - 2 * MARGIN_MM)

    @property
    def litres(self) -> float:
        """The volume of the box."""
        x, y, z = self.box_mm
        return x * y * z / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Oversize:
    """A part beside all machines that could make it if it fitted."""

    part_mm: Box
    needed_mm: Box
    """The build box that it needs, margins included."""
    envelopes: tuple[Envelope, ...]
    """Of the part's processes and materials, the largest first."""
    largest: Envelope | None
    """Of the whole network, whatever it prints."""
    fits_elsewhere: bool
    """Whether the largest of the network would hold it."""
    pieces: int | None
    """Into how many pieces it would have to be cut to fit the largest of its own machines; ``None`` without one."""
    short_mm: tuple[float, ...]
    """By how much it is too long for each of ``envelopes`` where it fits best."""


def oversize(part_mm: Box, *, own: Iterable[Envelope], network: Iterable[Envelope]) -> Oversize:
    """Return a part beside the machines of its own processes and materials, and of the whole network."""
    envelopes = tuple(sorted(own, key=_largest_first))
    largest = min(network, key=_largest_first, default=None)
    x, y, z = part_mm
    return Oversize(
        part_mm=part_mm,
        needed_mm=(x + 2 * MARGIN_MM, y + 2 * MARGIN_MM, z + 2 * MARGIN_MM),
        envelopes=envelopes,
        largest=largest,
        fits_elsewhere=largest is not None and too_long_mm(part_mm, largest) <= 0,
        pieces=min((pieces_for(part_mm, envelope) for envelope in envelopes), default=None),
        short_mm=tuple(too_long_mm(part_mm, envelope) for envelope in envelopes),
    )


def too_long_mm(part_mm: Box, envelope: Envelope) -> float:
    """Return by how much a part is too long for a machine in its best rotation; not over 0 where it fits."""
    return min(
        max(length - room for length, room in zip(turned, envelope.usable_mm, strict=True))
        for turned in permutations(part_mm)
    )


def pieces_for(part_mm: Box, envelope: Envelope) -> int:
    """Return the least number of pieces of a cut along a grid that fit a machine, in the best rotation."""
    return min(_grid(turned, envelope.usable_mm) for turned in permutations(part_mm))


def _grid(part_mm: Sequence[float], room_mm: Sequence[float]) -> int:
    pieces = 1
    for length, room in zip(part_mm, room_mm, strict=True):
        pieces *= ceil(length / room)
    return pieces


def _largest_first(envelope: Envelope) -> tuple[float, str, str]:
    return (-envelope.litres, envelope.model, envelope.process)


def oversize_document(found: Oversize) -> Document:
    """Return a part that no machine holds: each envelope's figures, and the ways out."""
    return {
        "part_mm": list(found.part_mm),
        "needed_mm": list(found.needed_mm),
        "envelopes": [
            {**_envelope(envelope), "too_long_mm": round(short, 1)}
            for envelope, short in zip(found.envelopes, found.short_mm, strict=True)
        ],
        "largest_of_network": None if found.largest is None else _envelope(found.largest),
        "pieces": found.pieces,
        "ways_out": _ways_out(found),
    }


def _envelope(envelope: Envelope) -> Document:
    return {
        "model": envelope.model,
        "process": envelope.process,
        "box_mm": list(envelope.box_mm),
        "machines": envelope.machines,
    }


def _ways_out(found: Oversize) -> list[str]:
    ways = []
    if found.pieces is not None:
        largest = found.envelopes[0]
        ways.append(f"split the part into at least {found.pieces} pieces for {largest.model} ({_mm(largest.box_mm)})")
    if found.fits_elsewhere and found.largest is not None:
        ways.append(
            f"permit {found.largest.process}: {found.largest.model} ({_mm(found.largest.box_mm)}) would hold it"
        )
    elif found.largest is not None:
        has = f"the largest of the network is {found.largest.model} ({_mm(found.largest.box_mm)})"
        ways.append(f"a larger machine, of at least {_mm(found.needed_mm)}; {has}")
    ways.append("make it conventionally: POST /v1/advice/method compares")
    return ways


def _mm(box: tuple[float, float, float]) -> str:
    return " × ".join(f"{length:g}" for length in box) + " mm"
