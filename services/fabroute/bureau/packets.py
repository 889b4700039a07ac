"""What lies in a bureau's folder for each job: the file, its facts for programs, and a traveller for people."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fabroute.bureau.disk import write_json, write_whole
from fabroute.bureau.records import JobRecord

JOB_FILE, TRAVELLER_FILE, EVIDENCE_FOLDER, REPORTED_FOLDER = "job.json", "traveller.txt", "evidence", "reported"
LOST_NOTE, CANCEL_NOTE = "DO-NOT-PRINT.txt", "CANCEL-REQUESTED.txt"
_TRAVELLER = """\
JOB {id}                                    make by {produce_by}

  part        {part}   revision {revision}   ({revision_id})
  quantity    {quantity} good prints
  machine     {machine_id}
  material    {material}   lot {lot}
  parameters  {parameter_set}
  file        {file_name}
              SHA-256 {sha256}
  inspect     {inspection}
  packaging   {packaging}
  ship to     {address}{ship_to_city}, {ship_to_country}   by {shipping_service}

Put into this folder what you have done; it is reported, and moved to "{reported}":

  started.json    {{}}
  printed.json    {{"result": "good", "serial": "…"}}  or  {{"result": "failed", "note": "…", "evidence": "crack.jpg"}}
                  once for each print: printed.json, printed-2.json, … or a list of them
  inspected.json  {{"level": "visual", "inspector": "…", "print_number": 1}}; with limits also
                  "measurements": [{{"name": "bore", "value_mm": 8.02}}]; with a report "evidence": "ct.pdf"
  shipped.json    {{"carrier": "dhl", "tracking_number": "…", "parcels": [{{"quantity": 2, "weight_grams": 310}}]}}
  failed.json     {{"reason": "print_failed", "text": "…"}}  if it can't be made after all; reasons are also
                  machine_broke, material, not_manufacturable and other
  {evidence}/     photos, measurements and reports
  cancellation.json  {{"agreed": true}}  or  {{"agreed": false, "reason": "printed"}}  if you are asked to stop
"""


def safe_name(name: str, *, fallback: str) -> str:
    """Return a file name that stays in its folder."""
    plain = name.replace("\\", "/").rsplit("/", 1)[-1].strip()
    return plain if plain not in ("", ".", "..") and not plain.startswith(".") and plain.isprintable() else fallback


def write_packet(folder: Path, *, packet: Mapping[str, Any], ticket: Mapping[str, Any], file_name: str) -> None:
    """Write everything of a packet but the print file into ``folder``, a draft that nobody else looks at."""
    (folder / EVIDENCE_FOLDER).mkdir(exist_ok=True)
    facts = {
        key: ticket[key] for key in ("sha256", "size_bytes", "statement", "signature", "public_key") if key in ticket
    }
    write_json(folder / JOB_FILE, {**packet, "print_file": {"name": file_name, **facts}})
    write_whole(folder / TRAVELLER_FILE, traveller(packet, sha256=str(ticket["sha256"]), file_name=file_name).encode())


def traveller(packet: Mapping[str, Any], *, sha256: str, file_name: str) -> str:
    """Return the page that goes with the parts through the shop."""
    job = {key: value if isinstance(value, str | int) else "" for key, value in packet["job"].items()}
    named = dict.fromkeys(_NAMED, "") | job | {"lot": job.get("lot_id") or "any"}
    return _TRAVELLER.format(
        **named,
        revision=packet.get("revision", {}).get("revision", ""),
        inspection=_inspection(packet.get("inspection", {})),
        address=_address(packet.get("ship_to", {})),
        sha256=sha256,
        file_name=file_name,
        reported=REPORTED_FOLDER,
        evidence=EVIDENCE_FOLDER,
    )


def _inspection(told: Mapping[str, Any]) -> str:
    """Return level and limits: ``dimensional: bore 7.9 to 8.1 mm``."""
    limits = [
        f"{it.get('name')} {it.get('lower_mm')} to {it.get('upper_mm')} mm"
        for it in told.get("plan", ())
        if it.get("lower_mm") is not None or it.get("upper_mm") is not None
    ]
    return str(told.get("level", "none")) + (": " + ", ".join(limits) if limits else "")


def _address(told: Mapping[str, Any]) -> str:
    """Return name and street where the node may know them."""
    lines = [told.get("name"), told.get("street"), told.get("postal_code")]
    return "".join(f"{line}, " for line in lines if line)


def lost_note(record: JobRecord, reason: str) -> str:
    """Return the words that lie in the folder of a job that is somebody else's now."""
    return (
        f"DO NOT PRINT job {record.job_id}: it is not yours any more.\n{reason}\n"
        "What is already printed: keep it, and tell the operator of the network.\n"
    )


def cancel_note(reason: str) -> str:
    """Return the words that ask an operator to stop."""
    return (
        f"The customer asks to cancel this job{': ' + reason if reason else ''}.\n"
        'Put cancellation.json here: {"agreed": true}, or {"agreed": false, "reason": "printed"}.\n'
    )


_NAMED = (
    *("id", "produce_by", "part", "revision_id", "quantity", "machine_id", "material", "parameter_set"),
    *("packaging", "ship_to_city", "ship_to_country", "shipping_service"),
)
