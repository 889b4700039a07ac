"""Gets an accepted job's file, checks it, and lays the packet into the bureau's folder in one step."""

import shutil
from collections.abc import Collection

from fabroute.bureau.bench import Bench
from fabroute.bureau.disk import move_folder
from fabroute.bureau.packets import safe_name, write_packet
from fabroute.bureau.records import JobRecord
from fabroute.bureau.verification import require_released, save_verified


def fetch_packet(bench: Bench, record: JobRecord, *, trusted: Collection[str]) -> None:
    """Put the packet of an accepted job into its folder. A ticket serves once: each try asks for its own.

    Raises ``FileDamaged``, ``FileNotReleased``, ``Refused`` and ``Unavailable``; then the folder is not there.
    """
    ticket = bench.write(record, "file-tickets")
    require_released(ticket, trusted=trusted)
    draft = bench.drafts / record.job_id
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    file_name = safe_name(str(ticket.get("file_name", "")), fallback=f"{record.job_id}.3mf")
    bench.require_held(record)
    with bench.wire.download(record, str(ticket["url"])) as pieces:
        save_verified(pieces, draft / file_name, sha256=str(ticket["sha256"]))
    packet = bench.wire.get_packet(record)
    write_packet(draft, packet=packet, ticket=ticket, file_name=file_name)
    move_folder(draft, bench.folder_of(record.job_id))
    if bench.records.advance(record.job_id, of="accepted", stage="placed", job=packet, trouble="") is None:
        ended = bench.records.get(record.job_id)
        move_folder(bench.folder_of(record.job_id), bench.settings.folder / (ended or record).stage / record.job_id)
        return
    bench.say(f"{record.job_id}: {file_name} is right and lies in {bench.folder_of(record.job_id)}")
