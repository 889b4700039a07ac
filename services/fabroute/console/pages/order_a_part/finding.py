"""The first step: parts that words find, and those that were ordered lately."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode

from fabroute.inventory.service import PartView
from fabroute.inventory.service.matching import FoundIn, PartMatch
from fabroute.orders.service import OrderView

PATH = "/console/order-a-part"
HOW_FOUND: Mapping[FoundIn, str] = {"alias": "also known as", "asset": "in", "part_no": "", "name": ""}
"""What stands before the number or place that words were found in."""
StepState = Literal["done", "now", "next"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One of the three steps, as the stepper shows it."""

    label: str
    state: StepState
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPart:
    """A part that could be ordered."""

    part_no: str
    name: str
    how: str
    """By which other number or place it was found; empty where number or name did."""
    revision: str
    """The released one; empty where there is none."""
    is_on_hold: bool
    path: str
    """Where the next step is; empty where it can't be ordered."""
    part_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindPage:
    """What was searched for, and what there is."""

    steps: tuple[Step, ...]
    words: str
    found: tuple[FoundPart, ...]
    lately: tuple[FoundPart, ...]
    """Ordered lately; only where nothing is searched for."""
    has_more: bool


def find_page(words: str, matches: Sequence[PartMatch], lately: Sequence[PartView], *, most: int) -> FindPage:
    """Return the page for what words found; one match more than ``most`` says that there are more."""
    return FindPage(
        steps=steps_at(0),
        words=words,
        found=tuple(_found(it) for it in matches[:most]),
        lately=tuple(_known(it) for it in lately),
        has_more=len(matches) > most,
    )


def steps_at(at: int, *details: str) -> tuple[Step, ...]:
    """Return the three steps with the one that is being taken; details belong to the steps that are done."""
    labels = ("Find the part", "Compare offers", "Confirm")
    states: list[StepState] = ["done" if number < at else "next" for number in range(len(labels))]
    states[at] = "now"
    told = (*details, "", "", "")
    return tuple(
        Step(label=f"{number + 1}. {label}", state=state, detail=detail)
        for number, (label, state, detail) in enumerate(zip(labels, states, told, strict=False))
    )


def terms_path(part_no: str, **more: str) -> str:
    """Return where a part's offers are asked for."""
    return f"{PATH}/terms?{urlencode({'part': part_no} | more)}"


def part_path(part_no: str) -> str:
    """Return the page of a part; its number may hold anything."""
    return f"/console/parts/{quote(part_no, safe='')}"


def ordered_lately(found: Iterable[OrderView], *, most: int) -> tuple[str, ...]:
    """Return the part numbers of the newest orders, each once."""
    return tuple(dict.fromkeys(line.part for order in found for line in order.lines))[:most]


def _found(match: PartMatch) -> FoundPart:
    how = f"{HOW_FOUND[match.found_in]} {match.found}" if HOW_FOUND[match.found_in] else ""
    return FoundPart(
        part_no=match.part_no,
        name=match.name,
        how=how,
        revision=match.revision or "",
        is_on_hold=match.is_on_hold,
        path=terms_path(match.part_no) if match.revision is not None else "",
        part_path=part_path(match.part_no),
    )


def _known(part: PartView) -> FoundPart:
    released = part.released
    return FoundPart(
        part_no=part.part_no,
        name=part.name,
        how="",
        revision="" if released is None else released.revision,
        is_on_hold=released is not None and released.on_hold_since is not None,
        path="" if released is None else terms_path(part.part_no),
        part_path=part_path(part.part_no),
    )
