"""What is sent with each operation: a body that would do, were the caller the one who may."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from fabroute.kernel.time import utc_now
from tests.api.matrix.making import Ids
from tests.api.matrix.sides import Side
from tests.api.test_tenants import A_DAY, DATED_TABLES
from tests.factories.api_advice import worked_example
from tests.factories.api_builds import days_ago
from tests.factories.api_policies import THAT_DAY
from tests.factories.api_shipments import PARCEL
from tests.factories.papers import a_picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What goes with a request beside its path."""

    json: object = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""


REASON = {"reason": "asked by everyone"}
PASSWORD = {"password": "asked by everyone"}
RESOLUTION = {"resolution": "asked by everyone"}
PICTURE = Sent(content=a_picture(), headers={"Content-Type": "image/png"})
FILE = Sent(content=b"\xff\xd8 a file", headers={"Content-Type": "application/octet-stream"})
PHOTO = Sent(content=b"\xff\xd8 a photo", headers={"Content-Type": "image/jpeg"})
TABLE = Sent(content=b"part_no\n", headers={"Content-Type": "text/csv"}, query="?dry_run=true")
EURO = {"amount_minor": 4600, "currency": "EUR"}


def sent_with(operation: str, *, ids: Ids, side: Side, who: str) -> Sent:
    """Return what is sent with an operation on the things of a side by somebody."""
    if operation == "invite_person":
        return Sent(json={"email": f"asked.{who.replace(' ', '.')}@example.org", "name": "asked", "role": "admin"})
    plain = _PLAIN.get(operation)
    if plain is not None:
        return plain
    return Sent(json=_naming(ids, side).get(operation, _JSON.get(operation)))


def _naming(ids: Ids, side: Side) -> Mapping[str, object]:
    """Return the bodies that name something of the side."""
    to_hamburg = {"ship_to": {"city": "Hamburg", "country": "DE"}}
    build = {"jobs": [{"job_id": ids["jobs"], "parts": 1}]}
    return {
        "place_order": to_hamburg | {"lines": [{"part": side.part_no, "quantity": 1}]},
        "make_quote": to_hamburg | {"part": side.part_no},
        "estimate_part": {"part": side.part_no},
        "advise_method": worked_example(120, part=side.part_no),
        "advise_mass_production": {"part": side.part_no},
        "request_screening": [{"part_no": side.part_no, "demand": 10, "unit_price": 20.0}],
        "recall_material": REASON | {"lot_id": ids["lots"]},
        "request_reprint": REASON | {"print_number": 1, "evidence_id": ids["evidence_id"]},
        "scrap_print": REASON | {"evidence": ids["evidence_id"]},
        "submit_first_article": {"evidence": [ids["evidence_id"]]},
        "open_build": build,
        "change_build": build,
        "add_first_article": _ARTICLE | {"node_id": side.node_id, "machine_id": side.machine_id},
    }


_TODAY = str(utc_now().date())
_ARTICLE = {"material": "PA12-MJF", "parameter_set": "PS-1", "approved_on": "2025-06-01"}
_REPORT = {"sequence": 1, "name": "started", "occurred_at": days_ago(1), "data": {}}
_JSON: Mapping[str, object] = {
    "retry_line": {},
    "change_objective": {"objective": "fastest"},
    "report_failure": {"reason": "machine_broke"},
    "set_machine_status": REASON | {"status": "up"},
    "cut_capacity": REASON | {"first_day": _TODAY, "last_day": _TODAY, "fraction": 1.0},
    "close_node": REASON,
    "add_part": {"part_no": "NEW-1", "name": "x", "sector": "rail", "hs_code": "8607.19"},
    "add_revision": {"revision": "Z", "process_materials": ["MJF:PA12-MJF"]},
    "add_alias": {"kind": "old", "number": "asked"},
    "install_part": {"asset": "pump P-17"},
    "change_part": {"annual_demand": 7},
    "change_revision": {"packaging": "esd"},
    "approve_revision": REASON,
    "release_revision": REASON,
    "withdraw_revision": REASON,
    "hold_revision": REASON,
    "release_hold": REASON,
    "grant_licence": {"prints": 1},
    "revoke_licence": REASON,
    "set_node_status": REASON | {"offer_seconds": 900},
    "add_lot": {"material": "PA12-MJF", "grams": 5, "expires_on": "2099-01-01"},
    "set_lot_state": REASON | {"state": "available"},
    "count_lot": {"counted_grams": 4_000},
    "refresh_lot": {"fresh_grams": 5},
    "state_rate": {"code": "labour_hour", "amount": EURO, "valid_from": _TODAY, "source": "asked"},
    "add_certificate": {"scheme": "ISO13485", "valid_from": "2020-01-01", "valid_to": "2099-12-31"},
    "revoke_certificate": REASON,
    "decide_counter_offer": {"decision": "accept"},
    "close_owner_note": RESOLUTION,
    "close_reconciliation": RESOLUTION,
    "decline_job": {"reason": "capacity"},
    "counter_job": {"produce_by": str((utc_now() + timedelta(days=1)).date()), "reason": "asked"},
    "go_offline": {"hours": 1},
    "answer_cancellation": {"agreed": True},
    "decide_suspicion": REASON | {"decision": "wait"},
    "take_reports": {"reports": [_REPORT]},
    "state_production_policy": {"counter_days": 2},
    "revoke_first_article": REASON,
    "claim_jobs": {"max": 2},
    "take_back_job": REASON,
    "report_print": {"number": 2, "result": "good"},
    "decide_reprint": {"granted": True},
    "prepare_shipment": {"carrier": "DHL", "parcels": [PARCEL | {"quantity": 1}]},
    "record_shipment_event": {"status": "in_transit", "occurred_at": days_ago(1)},
    "decide_loss": REASON | {"decision": "wait"},
    "set_brand": {"name": "Nordbahn"},
    "report_inspection": {"level": "visual", "inspector": "A. Weber"},
    "decide_first_article": {"approved": True},
    "report_build_time": {"parts": 1, "machine_minutes": 700, "height_mm": 380.0},
    "withdraw_build_time": REASON,
    "cancel_build": {},
    "start_build": {},
    "close_build": {"finished_at": days_ago(1), "machine_minutes": 60, "grams_used": 5},
    "abort_build": REASON,
    **{f"import_{name.replace('-', '_')}": [A_DAY | row] for name, row in DATED_TABLES.items()},
    "advise_pathways": {"quantity": 10},
    "screen_viability": {"fast_response": True},
    "state_routing_policy": {"caps": [{"share": 0.75}]},
    "ask_for_shadow_run": THAT_DAY | {"policy": {"caps": [{"share": 0.75}]}},
    "change_person": {"name": "asked"},
    "sign_in": PASSWORD | {"email": "nobody@example.org"},
    "accept_invitation": PASSWORD | {"token": "fr_inv_asked"},
    "change_my_password": {"present_password": "asked by everyone", "new_password": "asked by all of them"},
    "start_my_second_factor": PASSWORD,
    "confirm_my_second_factor": {"code": "123456"},
    "remove_my_second_factor": PASSWORD,
    "renew_my_recovery_codes": PASSWORD,
    "add_organisation": {"name": "asked", "kind": "owner"},
    "change_organisation": REASON | {"name": "zqalphaname"},
    "create_api_key": {"name": "asked", "scopes": ["orders:read"]},
    "rotate_api_key": {"overlap_seconds": 60},
    "create_oauth_client": {"name": "asked", "scopes": ["orders:read"]},
    "rotate_oauth_secret": {"overlap_seconds": 60},
    "create_sandbox": {"name": "asked"},
    "add_webhook_endpoint": {"url": "https://hooks.example.com/asked", "types": ["*"]},
    "change_webhook_endpoint": {"types": ["*"]},
    "rotate_webhook_secret": {"overlap_seconds": 60},
    "disable_webhook_endpoint": REASON,
    "replay_webhooks": {"since": days_ago(1)},
}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_CREDENTIALS = b"&client_id=oac_asked&client_secret=asked"
_PLAIN: Mapping[str, Sent] = {
    "put_print_file": FILE,
    "put_document": FILE,
    "put_certificate_evidence": PHOTO,
    "put_first_article_evidence": PHOTO,
    "put_job_evidence": PHOTO,
    "set_logo": PICTURE,
    "import_parts": TABLE,
    "import_revisions": TABLE,
    "import_certificates": TABLE,
    "issue_access_token": Sent(content=b"grant_type=client_credentials" + _CREDENTIALS, headers=_FORM),
    "revoke_access_token": Sent(content=b"token=asked" + _CREDENTIALS, headers=_FORM),
    "finish_openid": Sent(query="?state=asked&code=asked"),
    "list_scored_jobs": Sent(query="?figure=on_time"),
    "list_ending_first_articles": Sent(query="?expiring_within_days=3650"),
}
