"""Commands that ask for advice: printed or conventional, which pathway, mass production, viability."""

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from fabroute.cli.advice_story import mass_production_story, method_story, pathways_story, viability_story
from fabroute.cli.client import ApiClient, JsonObject
from fabroute.cli.mapping import Json
from fabroute.cli.orders import DEFAULT_URL, AsJson, Key, Url, as_json_text
from fabroute.cli.output import stdout
from fabroute.kernel.errors import DomainError
from fabroute.kernel.money import minor_units

advise = typer.Typer(help="Printed or conventional? Which pathway? Ready for mass production?", no_args_is_help=True)

Quantity = Annotated[int, typer.Argument(help="Pieces.")]
PartNo = Annotated[str | None, typer.Option("--part", help="A part of yours, whose record knows some of it.")]
Currency = Annotated[str, typer.Option(help="Of all amounts, e.g. EUR.")]
Tooling = Annotated[str | None, typer.Option(help="The tool of one variant, e.g. 6500.")]
Months = Annotated[str | None, typer.Option("--demand", help="Pieces by month, oldest first: 12,9,11,…")]


class NotAnAmount(DomainError):
    """Something on the command line is no amount or no list of numbers."""

    code = "not_an_amount"
    status = 422


class ContradictoryAnswers(DomainError):
    """Something was answered with yes and with no."""

    code = "contradictory_answers"
    status = 422


@advise.command()
def method(
    quantity: Quantity,
    key: Key,
    printed: Annotated[str | None, typer.Option(help="One printed piece, e.g. 18.00.")] = None,
    conventional: Annotated[str | None, typer.Option(help="One conventional piece, e.g. 0.70.")] = None,
    tooling: Tooling = None,
    minimum: Annotated[int | None, typer.Option(help="The smallest conventional order (MOQ).")] = None,
    variants: Annotated[int, typer.Option(help="Of one shape: each needs a tool of its own.")] = 1,
    frozen: Annotated[bool | None, typer.Option("--frozen/--not-frozen", help="Whether the design is frozen.")] = None,
    stable: Annotated[bool | None, typer.Option("--stable/--not-stable", help="Whether demand is stable.")] = None,
    part: PartNo = None,
    revision: Annotated[str | None, typer.Option(help="Of the part; without it, the released one.")] = None,
    currency: Currency = "EUR",
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Compare printing with the conventional way: crossover, what each costs, what is advised and why."""
    terms = {"unit": _money(conventional, currency), "tooling": _money(tooling, currency), "minimum_quantity": minimum}
    body: JsonObject = {
        "quantity": quantity,
        "variants": variants,
        "printed_unit": _money(printed, currency),
        "conventional": {name: value for name, value in terms.items() if value is not None} or None,
        "design_frozen": frozen,
        "demand_stable": stable,
        "part": part,
        "revision": revision,
    }
    with ApiClient(url=url, key=key) as client:
        found = client.post("/v1/advice/method", body)
    stdout.print(as_json_text(found) if as_json else method_story(found), markup=False)


@advise.command()
def pathways(
    quantity: Quantity,
    key: Key,
    within: Annotated[int | None, typer.Option(help="Days until it is needed.")] = None,
    need: Annotated[list[str] | None, typer.Option(help="E.g. colour_match; repeat it for several.")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Rank in-house, hub, network, workshop and factory for so many pieces."""
    body: JsonObject = {"quantity": quantity, "needed_within_days": within, "needs": [*(need or [])]}
    with ApiClient(url=url, key=key) as client:
        found = client.post("/v1/advice/pathways", body)
    stdout.print(as_json_text(found) if as_json else pathways_story(found), markup=False)


@advise.command("mass-production")
def mass_production(
    key: Key,
    part: PartNo = None,
    holds: Annotated[list[str] | None, typer.Option(help="A signal that holds; repeat it for several.")] = None,
    fails: Annotated[list[str] | None, typer.Option(help="A signal that does not hold; repeat it.")] = None,
    demand: Months = None,
    tooling: Tooling = None,
    saving: Annotated[str | None, typer.Option(help="What conventional pieces save in a year.")] = None,
    years: Annotated[float | None, typer.Option(help="Over which the tool has to pay.")] = None,
    currency: Currency = "EUR",
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Judge the eight signals for mass production, and name those that are missing."""
    body: JsonObject = {
        "part": part,
        "signals": _answers(holds, fails),
        "demand_by_month": _months(demand),
        "tooling": _money(tooling, currency),
        "yearly_saving": _money(saving, currency),
        "horizon_years": years,
    }
    with ApiClient(url=url, key=key) as client:
        found = client.post("/v1/advice/mass-production", body)
    stdout.print(as_json_text(found) if as_json else mass_production_story(found), markup=False)


@advise.command()
def viability(
    key: Key,
    yes: Annotated[list[str] | None, typer.Option(help="A question to answer with yes, e.g. sporadic_demand.")] = None,
    no: Annotated[list[str] | None, typer.Option(help="A question to answer with no; repeat it for several.")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Screen whether printing near the point of use is worth a closer look; without options, list the questions."""
    with ApiClient(url=url, key=key) as client:
        found = client.post("/v1/advice/viability", _answers(yes, no))
    stdout.print(as_json_text(found) if as_json else viability_story(found), markup=False)


def _answers(yes: list[str] | None, no: list[str] | None) -> JsonObject:
    both = sorted({*(yes or [])} & {*(no or [])})
    if both:
        raise ContradictoryAnswers(
            f"{', '.join(both)} can't be answered with yes and with no: leave one of the two out"
        )
    named: dict[str, Json] = dict.fromkeys(yes or [], True)
    return named | dict.fromkeys(no or [], False)


def _money(amount: str | None, currency: str) -> JsonObject | None:
    if amount is None:
        return None
    try:
        minor = Decimal(amount) * minor_units(currency.upper())
    except InvalidOperation:
        minor = Decimal("NaN")
    if not minor.is_finite() or minor != minor.to_integral_value():
        raise NotAnAmount(f"{amount!r} is no amount: write it as 18.00, without a currency")
    return {"amount_minor": int(minor), "currency": currency.upper()}


def _months(text: str | None) -> list[Json] | None:
    if text is None:
        return None
    pieces = [piece.strip() for piece in text.split(",")]
    if not all(piece.isdecimal() for piece in pieces):
        raise NotAnAmount(f"{text!r} is no list of pieces by month: write it as 12,9,0,11")
    return [int(piece) for piece in pieces]
