"""Who may do each operation, and what everybody else gets. A new operation needs a row here before its tests pass.

The thing asked for is alpha's and lies with charlie's node: alpha is its ``owner``, charlie its ``bureau``.
"""

from collections.abc import Mapping
from typing import Literal

Who = Literal["owner", "bureau", "other owner", "other bureau", "operator", "revoked", "nobody"]
Answer = Literal["yes", "secret", 401, 403, 404, 422]
"""``yes`` is any answer but 401, 403 and 404: the operation may be too late, but it is theirs to ask.

``secret`` is a refusal, whoever asks: what is sent is no secret that anybody was given.
"""
Audience = Mapping[Who, Answer]

WITH_KEYS: tuple[Who, ...] = ("owner", "bureau", "other owner", "other bureau", "operator")
EVERYONE: tuple[Who, ...] = (*WITH_KEYS, "revoked", "nobody")
_NO_KEY: Audience = {"revoked": 401, "nobody": 401}


def _only(*allowed: Who, otherwise: Answer = 404, bureaus: Answer | None = None) -> Audience:
    """Return who may, and what the others get; ``bureaus`` get what is said of them."""
    answers: dict[Who, Answer] = {
        who: otherwise if bureaus is None or "bureau" not in who else bureaus for who in WITH_KEYS
    }
    return {**answers, **dict.fromkeys(allowed, "yes"), **_NO_KEY}


PUBLIC: Audience = dict.fromkeys(EVERYONE, "yes")
SECRET: Audience = dict.fromkeys(EVERYONE, "secret")
SIGNED_IN: Audience = {**dict.fromkeys(EVERYONE, 403), "revoked": "secret", "nobody": 401}
"""For people with a session's cookie: a key opens nothing, and there is nothing of others to name."""
ALL = _only(*WITH_KEYS)
"""Each for itself, or something that is nobody's."""
NO_BUREAU = _only("owner", "other owner", "operator", bureaus=403)
"""The same, for those who order parts."""
OPERATOR = _only("operator", otherwise=403)
OWNER = _only("owner")
OWNER_NO_BUREAU = _only("owner", bureaus=403)
OWNER_AND_OPERATOR = _only("owner", "operator")
OWNER_AND_OPERATOR_NO_BUREAU = _only("owner", "operator", bureaus=403)
DECIDED_BY_OWNER: Audience = {**OWNER_AND_OPERATOR, "bureau": 403}
OWNER_ALONE: Audience = {**OWNER, "bureau": 403, "operator": 403}
"""Not the operator either, which is told so."""
NAMES_OWN_PART = _only("owner", otherwise=422)
"""Names the owner's part in the body: a field that the others get wrong."""
NAMES_OWN_PART_NO_BUREAU = _only("owner", otherwise=422, bureaus=403)
PARTIES = _only("owner", "bureau", "operator")
AT_THE_NODE: Audience = {**_only("bureau", "operator"), "owner": 403}
TICKETS: Audience = {**AT_THE_NODE, "operator": 403}
BUREAU = _only("bureau")
STORE = _only("bureau", "operator")
NODE = _only("bureau", "operator", otherwise=403)
"""Everyone may know of a node: those who may not do this are told so."""
NODE_HIDDEN_FROM_RIVAL: Audience = {**NODE, "other bureau": 404}
NO_RIVAL: Audience = {**ALL, "other bureau": 404}
SCORES: Audience = {**ALL, "other bureau": 403}
VERIFIED: Audience = {**OPERATOR, "other bureau": 404}

AUDIENCES: Mapping[str, Audience] = {
    # orders
    "place_order": NAMES_OWN_PART,
    "list_orders": ALL,
    "get_order": OWNER,
    "cancel_order": OWNER,
    "get_decision": OWNER,
    "get_order_statistics": ALL,
    # rerouting
    "list_reroutes": NO_BUREAU,
    "get_timeline": OWNER_AND_OPERATOR_NO_BUREAU,
    "get_exclusions": OWNER_AND_OPERATOR_NO_BUREAU,
    "lift_exclusion": OWNER_AND_OPERATOR_NO_BUREAU,
    "retry_line": OWNER_AND_OPERATOR_NO_BUREAU,
    "change_objective": OWNER_AND_OPERATOR_NO_BUREAU,
    "report_failure": AT_THE_NODE,
    # nodes
    "set_machine_status": NODE,
    "cut_capacity": NODE,
    "close_node": OPERATOR,
    # decisions
    "get_whole_decision": OWNER_AND_OPERATOR_NO_BUREAU,
    # quotes
    "make_quote": NAMES_OWN_PART,
    "list_quotes": ALL,
    "get_quote": OWNER,
    # parts
    "add_part": ALL,
    "list_parts": ALL,
    "add_revision": OWNER,
    "add_alias": OWNER,
    "remove_alias": OWNER,
    "install_part": OWNER,
    "remove_installation": OWNER,
    "get_part": OWNER,
    "change_part": OWNER,
    # revisions
    "get_revision": OWNER,
    "change_revision": OWNER,
    "get_revision_history": OWNER,
    "approve_revision": OWNER,
    "release_revision": OWNER,
    "withdraw_revision": OWNER_AND_OPERATOR,
    "hold_revision": OWNER_AND_OPERATOR,
    "release_hold": OWNER_AND_OPERATOR,
    "get_signing_key": ALL,
    # print files
    "put_print_file": OWNER,
    "get_own_print_file": OWNER,
    "get_validation": OWNER,
    "list_similar_files": OWNER,
    "get_picture": OWNER,
    "get_model": OWNER,
    # revisions
    "put_document": OWNER,
    "get_document": OWNER,
    "remove_document": OWNER,
    # licences
    "grant_licence": OWNER,
    "list_licences": OWNER,
    "revoke_licence": OWNER,
    # nodes
    "list_nodes": ALL,
    "get_node": ALL,
    "set_node_status": NODE,
    # material lots
    "add_lot": NODE,
    "list_lots": NODE,
    "get_lot": STORE,
    "set_lot_state": STORE,
    "list_lot_movements": STORE,
    "count_lot": STORE,
    "refresh_lot": STORE,
    # recalls
    "recall_material": STORE,
    "list_recalls": ALL,
    "get_recall": STORE,
    # scores
    "get_scores": SCORES,
    "list_scored_jobs": SCORES,
    # nodes
    "state_rate": NODE,
    "list_rates": NODE,
    # certificates
    "add_certificate": NODE,
    "list_node_certificates": NO_RIVAL,
    "list_certificates": ALL,
    "get_certificate": NO_RIVAL,
    "verify_certificate": VERIFIED,
    "revoke_certificate": STORE,
    "put_certificate_evidence": NODE_HIDDEN_FROM_RIVAL,
    "get_certificate_evidence": NO_RIVAL,
    # jobs
    "list_counter_offers": ALL,
    "decide_counter_offer": DECIDED_BY_OWNER,
    "list_owner_notes": ALL,
    "close_owner_note": DECIDED_BY_OWNER,
    "list_reconciliations": ALL,
    "close_reconciliation": DECIDED_BY_OWNER,
    "decline_job": AT_THE_NODE,
    "counter_job": AT_THE_NODE,
    "start_job": AT_THE_NODE,
    "heartbeat": AT_THE_NODE,
    "go_offline": AT_THE_NODE,
    "answer_cancellation": AT_THE_NODE,
    "decide_suspicion": DECIDED_BY_OWNER,
    "take_reports": AT_THE_NODE,
    # policies
    "get_production_policy": NO_BUREAU,
    "state_production_policy": NO_BUREAU,
    # first articles
    "add_first_article": OWNER,
    "list_revision_first_articles": OWNER_AND_OPERATOR,
    "list_ending_first_articles": ALL,
    "get_first_article": PARTIES,
    "put_first_article_evidence": OWNER,
    "get_first_article_evidence": PARTIES,
    "revoke_first_article": OWNER_AND_OPERATOR,
    # jobs
    "list_jobs": NO_RIVAL,
    "claim_jobs": STORE,
    "get_packet": AT_THE_NODE,
    "get_job": PARTIES,
    "accept_job": AT_THE_NODE,
    "resume_job": PARTIES,
    "take_back_job": DECIDED_BY_OWNER,
    "issue_file_ticket": TICKETS,
    "fetch_print_file": BUREAU,
    "put_job_evidence": AT_THE_NODE,
    "get_job_evidence": PARTIES,
    "list_job_evidence": PARTIES,
    "report_print": AT_THE_NODE,
    "list_prints": PARTIES,
    "request_reprint": AT_THE_NODE,
    "list_reprint_requests": ALL,
    "get_reprint_request": PARTIES,
    "decide_reprint": OWNER_ALONE,
    # shipments
    "prepare_shipment": AT_THE_NODE,
    "list_job_shipments": PARTIES,
    "list_order_shipments": OWNER,
    "get_shipment": PARTIES,
    "hand_over_shipment": AT_THE_NODE,
    "cancel_shipment": AT_THE_NODE,
    "record_shipment_event": AT_THE_NODE,
    "decide_loss": DECIDED_BY_OWNER,
    "get_packing_slip": PARTIES,
    "get_parcel_labels": PARTIES,
    # passports
    "get_passport": PUBLIC,
    "get_certificate_paper": PARTIES,
    # brands
    "get_brand": NO_BUREAU,
    "set_brand": NO_BUREAU,
    "set_logo": NO_BUREAU,
    "remove_logo": NO_BUREAU,
    "get_logo": NO_BUREAU,
    # jobs
    "report_inspection": AT_THE_NODE,
    "list_inspections": PARTIES,
    "scrap_print": AT_THE_NODE,
    "submit_first_article": AT_THE_NODE,
    "decide_first_article": OWNER_ALONE,
    "certify_job": PARTIES,
    "list_conformity_certificates": PARTIES,
    "get_conformity_certificate": PARTIES,
    "report_build_time": AT_THE_NODE,
    "list_build_times": PARTIES,
    "withdraw_build_time": AT_THE_NODE,
    # builds
    "get_build_plan": NODE_HIDDEN_FROM_RIVAL,
    "list_builds": NO_RIVAL,
    "open_build": NODE_HIDDEN_FROM_RIVAL,
    "get_build": PARTIES,
    "change_build": AT_THE_NODE,
    "cancel_build": AT_THE_NODE,
    "start_build": AT_THE_NODE,
    "close_build": AT_THE_NODE,
    "abort_build": AT_THE_NODE,
    # estimates
    "estimate_part": NAMES_OWN_PART,
    "list_constants": ALL,
    # imports and exports
    "import_parts": ALL,
    "import_revisions": ALL,
    "import_certificates": ALL,
    "export_parts": ALL,
    "export_revisions": ALL,
    "export_certificates": ALL,
    # logistics
    "list_carrier_tariffs": ALL,
    "list_duty_rules": ALL,
    "list_carbon_factors": ALL,
    "list_grid_intensities": ALL,
    "list_exchange_rates": ALL,
    "import_carrier_tariffs": OPERATOR,
    "import_duty_rules": OPERATOR,
    "import_carbon_factors": OPERATOR,
    "import_grid_intensities": OPERATOR,
    "import_exchange_rates": OPERATOR,
    "export_carrier_tariffs": ALL,
    "export_duty_rules": ALL,
    "export_carbon_factors": ALL,
    "export_grid_intensities": ALL,
    "export_exchange_rates": ALL,
    # advice
    "advise_method": NAMES_OWN_PART_NO_BUREAU,
    "advise_pathways": ALL,
    "advise_mass_production": NAMES_OWN_PART_NO_BUREAU,
    "screen_viability": ALL,
    "request_screening": NO_BUREAU,
    "list_screenings": NO_BUREAU,
    "read_screening": OWNER_NO_BUREAU,
    "remove_screening": OWNER_NO_BUREAU,
    "list_screened_parts": OWNER_NO_BUREAU,
    "download_screening": OWNER_NO_BUREAU,
    # policies
    "state_routing_policy": NO_BUREAU,
    "list_routing_policies": NO_BUREAU,
    "read_policy_costs": NO_BUREAU,
    "ask_for_shadow_run": NO_BUREAU,
    "list_shadow_runs": NO_BUREAU,
    "read_shadow_run": OWNER_NO_BUREAU,
    "replay_decision": OWNER_AND_OPERATOR_NO_BUREAU,
    "read_replay": OWNER_NO_BUREAU,
    # readiness
    "get_readiness": {**NO_BUREAU, "operator": 404},
    "post_readiness": NO_BUREAU,
    # runs
    "list_routing_runs": OPERATOR,
    "list_planning_scopes": OPERATOR,
    # health
    "is_alive": PUBLIC,
    "is_ready": PUBLIC,
    # audit log
    "list_entries": ALL,
    "get_head": ALL,
    # people
    "invite_person": ALL,
    "list_people": ALL,
    "get_person": OWNER_AND_OPERATOR,
    "change_person": OWNER_AND_OPERATOR,
    "remove_person": OWNER_AND_OPERATOR,
    "renew_invitation": OWNER_AND_OPERATOR,
    # sign-in
    "sign_in": SECRET,
    "accept_invitation": SECRET,
    "read_session": SIGNED_IN,
    "sign_out": SIGNED_IN,
    "list_my_sessions": SIGNED_IN,
    "end_my_session": SIGNED_IN,
    "change_my_password": SIGNED_IN,
    "start_my_second_factor": SIGNED_IN,
    "confirm_my_second_factor": SIGNED_IN,
    "remove_my_second_factor": SIGNED_IN,
    "renew_my_recovery_codes": SIGNED_IN,
    "start_openid": SECRET,
    "finish_openid": SECRET,
    # organisations
    "add_organisation": OPERATOR,
    "list_organisations": OPERATOR,
    "get_organisation": OPERATOR,
    "change_organisation": OPERATOR,
    "get_own_organisation": ALL,
    # api keys
    "create_api_key": ALL,
    "list_api_keys": ALL,
    "get_api_key": OWNER_AND_OPERATOR,
    "revoke_api_key": OWNER_AND_OPERATOR,
    "rotate_api_key": OWNER_AND_OPERATOR,
    # oauth
    "create_oauth_client": ALL,
    "list_oauth_clients": ALL,
    "get_oauth_client": OWNER_AND_OPERATOR,
    "revoke_oauth_client": OWNER_AND_OPERATOR,
    "rotate_oauth_secret": OWNER_AND_OPERATOR,
    "issue_access_token": SECRET,
    "revoke_access_token": SECRET,
    "get_authorization_server": PUBLIC,
    # sandboxes
    "create_sandbox": OPERATOR,
    # events
    "list_events": ALL,
    "get_event": OWNER,
    "list_event_types": ALL,
    # webhooks
    "add_webhook_endpoint": ALL,
    "list_webhook_endpoints": ALL,
    "get_webhook_endpoint": OWNER,
    "change_webhook_endpoint": OWNER,
    "remove_webhook_endpoint": OWNER,
    "rotate_webhook_secret": OWNER,
    "test_webhook_endpoint": OWNER,
    "enable_webhook_endpoint": OWNER,
    "disable_webhook_endpoint": OWNER,
    "list_webhook_deliveries": OWNER,
    "get_webhook_delivery": OWNER,
    "replay_webhook_delivery": OWNER,
    "replay_webhooks": OWNER,
}
"""By operation id, in the document's order."""
