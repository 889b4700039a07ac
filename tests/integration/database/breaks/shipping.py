"""How to break each rule about shipments, by its name: the rule must find one row then."""

from collections.abc import Mapping


def _shipment(*, quantity: str = "quantity", state: str = "handed_over", shipment_id: str = "shp_1") -> str:
    """Return SQL that adds a shipment of the one job, with one parcel that holds it all."""
    return (
        "INSERT INTO shipments (id, job_id, organisation_id, order_id, node_id, carrier, service, tracking_number,"
        " state, quantity, created_by, created_at, updated_at, version)"
        f" SELECT '{shipment_id}', id, organisation_id, order_id, node_id, 'dhl', '', '', '{state}', {quantity},"
        " 'key_1', now(), now(), 1 FROM jobs;"
        " INSERT INTO parcels (shipment_id, number, quantity, weight_grams, tracking_number)"
        f" SELECT id, 1, quantity, 900, '' FROM shipments WHERE id = '{shipment_id}'"
    )


BREAKS: Mapping[str, str] = {
    "all parts of a shipped job were handed to a carrier": "UPDATE jobs SET state = 'shipped'; "
    + _shipment(state="prepared"),
    "no more of a job is in shipments than was ordered": _shipment(quantity="quantity + 1"),
    "somebody said of each parcel of a delivered shipment that it arrived": _shipment(state="delivered"),
    "a delivered job's shipments all arrived": "UPDATE jobs SET state = 'delivered'; " + _shipment(state="in_transit"),
    "a shipment holds what its parcels hold": _shipment() + "; UPDATE parcels SET quantity = quantity + 1",
}
