"""Commands that ask for a quote and accept one."""

from typing import Annotated

import typer

from fabroute.cli.client import ApiClient, ApiRefusal, JsonObject
from fabroute.cli.mapping import Json, OrderBody
from fabroute.cli.orders import DEFAULT_URL, AsJson, Key, Url, as_json_text
from fabroute.cli.output import complain, stdout
from fabroute.cli.quote_story import quote_report
from fabroute.cli.report import order_story
from fabroute.kernel.errors import DomainError
from fabroute.kernel.money import minor_from_major

_TAKEN = "quote_already_accepted"


class PlaceUnclear(DomainError):
    """A destination that is not written as a city and a country."""

    code = "place_unclear"
    status = 422


class QuantityUnclear(DomainError):
    """A quote of several quantities is accepted without naming one."""

    code = "quantity_unclear"
    status = 422


def quote(
    part: Annotated[str, typer.Argument(help="Part number, old or new, e.g. AP-0101.")],
    to: Annotated[str, typer.Option(help="City and country (ISO 3166), e.g. Berlin,DE.")],
    key: Key,
    quantity: Annotated[list[int] | None, typer.Option(help="How many; repeat it for price breaks.")] = None,
    need_by: Annotated[str | None, typer.Option(help="Latest arrival, e.g. 2027-01-20T17:00:00+01:00.")] = None,
    packaging: Annotated[str, typer.Option(help="plain, brand, esd or medical_clean.")] = "plain",
    criticality: Annotated[str | None, typer.Option(help="What waits for it, e.g. line_down; else the part's.")] = None,
    max_price: Annotated[float | None, typer.Option(min=0.01, help="Highest landed price in EUR, e.g. 49.90.")] = None,
    currency: Annotated[str, typer.Option(help="In which prices are shown beside EUR.")] = "EUR",
    revision: Annotated[str | None, typer.Option(help="Name of the revision; else the released one.")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Tell at once what a part costs and when it is there: cheapest, fastest and greenest, and why others are out.

    Exit code 1 if there is no offer for any of the quantities.
    """
    quantities: list[Json] = [*(quantity or [1])]
    asked: OrderBody = {"part": part, "ship_to": place_of(to), "quantities": quantities, "packaging": packaging}
    named: dict[str, Json] = {"need_by": need_by, "criticality": criticality, "revision": revision}
    asked |= {"currency": currency} | {name: value for name, value in named.items() if value is not None}
    if max_price is not None:
        asked["max_price"] = {"amount_minor": minor_from_major(str(max_price)), "currency": "EUR"}
    with ApiClient(url=url, key=key) as client:
        made = client.post("/v1/quotes", asked)
    _show(made, as_json)
    if not has_offer(made):
        raise typer.Exit(1)


def accept(
    quote_id: Annotated[str, typer.Argument(help="The quote's id, qte_….")],
    key: Key,
    quantity: Annotated[
        int | None, typer.Option(help="Which of the quoted quantities; needed if there are more.")
    ] = None,
    offer: Annotated[str, typer.Option(help="cheapest, fastest or greenest.")] = "cheapest",
    reference: Annotated[str | None, typer.Option(help="Your own number of the order.")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Order what was quoted, for its price and date; the same command again shows the same order.

    A quote that was accepted in another way (by another program, or with other words) is not ordered again: the order
    that accepted it is shown, with exit code 1.
    """
    with ApiClient(url=url, key=key) as client:
        found = client.get(f"/v1/quotes/{quote_id}")
        body = order_body(found, quantity=quantity, offer=offer, reference=reference)
        order, is_this = _accepted(client, body, f"cli-accept-{quote_id}-{_ordered(body)}-{offer}")
    stdout.print(as_json_text(order) if as_json else order_story(order), markup=False)
    if not is_this:
        complain(f"nothing was ordered now: {quote_id} had been accepted before, by order {order['id']}")
        raise typer.Exit(1)


def place_of(written: str) -> JsonObject:
    """Return city and country of ``Berlin,DE``; ``PlaceUnclear`` says how it is written."""
    city, comma, country = (word.strip() for word in written.rpartition(","))
    if not (city and comma and len(country) == 2):
        raise PlaceUnclear(f"write the destination as city and country, such as Berlin,DE, not {written!r}")
    return {"city": city, "country": country.upper()}


def order_body(quote: JsonObject, *, quantity: int | None, offer: str, reference: str | None = None) -> OrderBody:
    """Return the order that accepts an offer of a quote; ``QuantityUnclear`` where it has several quantities."""
    quoted = quote["quantities"]
    quantities = [it["quantity"] for it in quoted if isinstance(it, dict)] if isinstance(quoted, list) else []
    if quantity is None and len(quantities) != 1:
        raise QuantityUnclear(f"name one of the quoted quantities: --quantity {' or '.join(map(str, quantities))}")
    line: JsonObject = {"part": quote["part"], "quantity": quantities[0] if quantity is None else quantity}
    body: OrderBody = {
        "quote_id": quote["id"],
        "quote_offer": offer,
        "ship_to": _ship_to(quote),
        "lines": [line],
    }
    return body if reference is None else {**body, "reference": reference}


def has_offer(quote: JsonObject) -> bool:
    """Tell whether a quote has an offer for at least one of its quantities."""
    quoted = quote["quantities"]
    return isinstance(quoted, list) and any(isinstance(it, dict) and it["offers"] for it in quoted)


def _accepted(client: ApiClient, body: OrderBody, key: str) -> tuple[JsonObject, bool]:
    """Return the order that accepts a quote, and whether it is this one; else it is the one that did so before."""
    try:
        return client.place_order(body, idempotency_key=key), True
    except ApiRefusal as refusal:
        if refusal.code != _TAKEN:
            raise
    quote = client.get(f"/v1/quotes/{body['quote_id']}")
    return client.get(f"/v1/orders/{quote['order_id']}"), False


def _ship_to(quote: JsonObject) -> JsonObject:
    """Return the destination of a quote; the coordinates too, unless they are only assumed."""
    place = quote["ship_to"]
    assert isinstance(place, dict)
    names = ("city", "country") if place["location_assumed"] else ("city", "country", "latitude", "longitude")
    return {name: place[name] for name in names}


def _ordered(body: OrderBody) -> Json:
    lines = body["lines"]
    assert isinstance(lines, list)
    line = lines[0]
    assert isinstance(line, dict)
    return line["quantity"]


def _show(made: JsonObject, as_json: bool) -> None:
    stdout.print(as_json_text(made) if as_json else quote_report(made, width=stdout.width), markup=False)
