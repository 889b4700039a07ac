"""Places what was heard, and cancels what was taken back."""

from fabroute.bridges.bench import Bench, pause_seconds
from fabroute.bridges.journal import Entry
from fabroute.bridges.orders import NotOrderable, idempotency_key, map_order
from fabroute.bridges.wire import Refused, Unavailable


def place_all(bench: Bench) -> int:
    """Place every order whose time has come, and return how many were worked on."""
    entries = bench.journal.to_place(now=bench.now().timestamp())
    for entry in entries:
        _advance(bench, entry)
    return len(entries)


def cancel_all(bench: Bench) -> int:
    """Cancel every placed order that was taken back, and return how many were worked on."""
    entries = bench.journal.to_cancel(now=bench.now().timestamp())
    for entry in entries:
        _cancel(bench, entry)
    return len(entries)


def _advance(bench: Bench, entry: Entry) -> None:
    if entry.cancel == "asked" and entry.body is None:
        bench.journal.change(entry.id, stage="cancelled", cancel="done", detail="cancelled before it was placed")
        return
    try:
        ready = entry if entry.body is not None else _mapped(bench, entry)
        if ready is not None:
            _place(bench, ready)
    except NotOrderable as problem:
        _refuse(bench, entry, problem.message)
    except Refused as refusal:
        _take_refusal(bench, entry, refusal)
    except Unavailable as silence:
        _wait(bench, entry, silence.message, retry_after=silence.retry_after)


def _mapped(bench: Bench, entry: Entry) -> Entry | None:
    """Write down what will be sent; ``None`` where nothing of the order is printed."""
    order = bench.foreign.read(entry.payload)
    mapped = map_order(order, bench.rules, now=bench.now())
    if mapped is None:
        bench.journal.change(entry.id, stage="left", detail="nothing of it is printed")
        return None
    bench.journal.write_body(entry.id, body=mapped.body, line_ids=mapped.line_ids, note=order.note)
    return bench.journal.get(entry.id)


def _place(bench: Bench, entry: Entry) -> None:
    key = idempotency_key(bench.foreign.kind, entry.account, entry.foreign_id)
    placed = bench.fabroute.place(entry.body or {}, idempotency_key=key)
    bench.journal.change(entry.id, stage="placed", order_id=placed["id"], detail="", attempts=0, look=1)
    bench.say(f"{entry.number or entry.foreign_id}: order {placed['id']}")


def _take_refusal(bench: Bench, entry: Entry, refusal: Refused) -> None:
    if refusal.is_about_access:
        _wait(bench, entry, f"fabroute refuses the key: {refusal.message}", retry_after=60)
    else:
        _refuse(bench, entry, f"{refusal.message} ({refusal.code})")


def _refuse(bench: Bench, entry: Entry, reason: str) -> None:
    bench.journal.change(entry.id, stage="refused", detail=reason)
    bench.journal.add_report(entry.id, "trouble", f"refused:{reason}", {"text": f"not ordered: {reason}"})
    bench.say(f"{entry.number or entry.foreign_id}: not ordered: {reason}")


def _wait(bench: Bench, entry: Entry, reason: str, *, retry_after: float | None) -> None:
    pause = pause_seconds(bench.journal.attempts(entry.id), retry_after=retry_after)
    bench.journal.put_off(entry.id, detail=reason, until=bench.now().timestamp() + pause)


def _cancel(bench: Bench, entry: Entry) -> None:
    try:
        done = bench.fabroute.cancel(str(entry.order_id))
    except Refused as refusal:
        if refusal.is_about_access:
            _wait(bench, entry, f"fabroute refuses the key: {refusal.message}", retry_after=60)
            return
        bench.journal.change(entry.id, cancel="refused", detail=f"not cancelled: {refusal.message}")
        text = f"could not be cancelled: {refusal.message}"
        bench.journal.add_report(entry.id, "trouble", "cancel_refused", {"text": text})
    except Unavailable as silence:
        _wait(bench, entry, silence.message, retry_after=silence.retry_after)
    else:
        detail = "" if done else "nodes that have started are asked to stop"
        bench.journal.change(entry.id, cancel="done", detail=detail, look=1)
