"""``fabroute ship``: put a job's parts into a parcel, print its papers, hand it over."""

from pathlib import Path
from typing import Annotated

import typer

from fabroute.cli.client import ApiClient, JsonObject
from fabroute.cli.orders import DEFAULT_URL, AsJson, Key, Url, as_json_text
from fabroute.cli.output import note, stdout

_PAPERS = ("packing-slip.pdf", "label.pdf")


def ship(
    job_id: Annotated[str, typer.Argument(help="Of an inspected job of your node.")],
    key: Key,
    carrier: Annotated[str, typer.Option(help="Who takes it, e.g. dhl.")],
    weight: Annotated[int, typer.Option(min=1, help="Of the parcel, in grams.")],
    quantity: Annotated[int | None, typer.Option(min=1, help="Pieces in it; without it, all of the job.")] = None,
    service: Annotated[str | None, typer.Option(help="Of the carrier's, e.g. express.")] = None,
    tracking: Annotated[str | None, typer.Option(help="The carrier's number of the parcel.")] = None,
    papers: Annotated[Path | None, typer.Option(help="A folder for packing slip and label.")] = None,
    handover: Annotated[bool, typer.Option(help="Whether the carrier has it already.")] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Ship parts of a job in one parcel. Several parcels: POST /v1/jobs/{id}/shipments."""
    with ApiClient(url=url, key=key) as client:
        parcel: JsonObject = {"quantity": quantity or _quantity_of(client, job_id), "weight_grams": weight}
        body: JsonObject = {"carrier": carrier, "service": service, "tracking_number": tracking, "parcels": [parcel]}
        shipment = client.post(f"/v1/jobs/{job_id}/shipments", body)
        if handover:
            shipment = client.post(f"/v1/shipments/{shipment['id']}/handover")
        _fetch_papers(client, str(shipment["id"]), papers)
    stdout.print(as_json_text(shipment) if as_json else _story(shipment), markup=False)


def _quantity_of(client: ApiClient, job_id: str) -> int:
    return int(str(client.get(f"/v1/jobs/{job_id}")["quantity"]))


def _fetch_papers(client: ApiClient, shipment_id: str, folder: Path | None) -> None:
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name in _PAPERS:
        target = folder / f"{shipment_id}-{name}"
        target.write_bytes(client.content(f"/v1/shipments/{shipment_id}/{name}"))
        note(f"wrote {target}")


def _story(shipment: JsonObject) -> str:
    return f"shipment {shipment['id']}: {shipment['quantity']} pieces with {shipment['carrier']}, {shipment['state']}"
