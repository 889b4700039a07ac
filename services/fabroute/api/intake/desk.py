"""Where an order is understood: its parts, its destination, its answer; then it is queued to be written."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from fabroute.api.errors import IdempotencyKeyReused, NeedByOutOfRange
from fabroute.api.intake.places import Places, ship_to_of
from fabroute.api.intake.queue import Intake
from fabroute.api.schemas.base import MoneyIn
from fabroute.api.schemas.orders import OrderRequest, order_out
from fabroute.database import require_own, unit_of_work
from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.ids import new_id
from fabroute.logistics.service import PlaceBook
from fabroute.orders.rules import CURRENCY, default_objective, planning_scopes
from fabroute.orders.service import (
    AskedLine,
    Catalogue,
    KeyReused,
    LineView,
    NewLine,
    NewOrder,
    OrderableRevision,
    OrderView,
    Placed,
    Placing,
    Refused,
    Replayed,
    RevisionNotReleased,
    ShipTo,
    find_answer,
)
from fabroute.telemetry.binding import bind_ids
from fabroute.telemetry.tracing import traceparent

_LATEST_NEED = timedelta(days=3650)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A valid request to place an order: who asks, under which key, with which body."""

    principal: Principal
    idempotency_key: str
    request_sha256: str
    asked: OrderRequest
    received_at: datetime

    def __post_init__(self) -> None:
        require_own(self.principal.tenant, self.principal.organisation_id)


class OrderDesk:
    """Turns submissions into orders. One for all requests of a process."""

    def __init__(self, *, tenants: Engine, intake: Intake, catalogue: Catalogue, places: Places) -> None:
        self._tenants = tenants
        self._intake = intake
        self._catalogue = catalogue
        self._places = places

    def begin(self, submission: Submission) -> asyncio.Future[Placing] | None:
        """Queue an order at once, if all that it takes is remembered here, and return what will have become of it.

        Raises what ``place`` raises. Give ``place`` what it returns, unless that is ``Placed``: so it is all told.
        """
        require_future(submission)
        book, items = self._places.recall(now=submission.received_at), self._recall_items(submission)
        if book is None or items is None:
            return None
        return self._intake.submit_now(compose_order(submission, items, ship_to_of(book, submission.asked.ship_to)))

    async def place(self, submission: Submission, *, begun: asyncio.Future[Placing] | None = None) -> Placed | Replayed:
        """Return the answer to a submission, once it is committed, or the stored one if it came before.

        An order that would be refused today (a revision withdrawn, a date gone by) is still answered if it was taken
        once. Raises the refusals of the catalogue, of the places and of the intake, and ``IdempotencyKeyReused``.
        ``begun`` is what ``begin`` returned for it.
        """
        try:
            placing = await self._place(submission, begun)
        except DomainError as refusal:
            if refusal.status != 422:
                raise
            earlier = await run_in_threadpool(self._find_answer, submission)
            if earlier is None:
                raise
            placing = earlier
        if isinstance(placing, Placed | Replayed):
            return placing
        raise IdempotencyKeyReused("this Idempotency-Key belongs to a request with another body: use a new key")

    async def _place(
        self, submission: Submission, begun: asyncio.Future[Placing] | None
    ) -> Placed | Replayed | KeyReused:
        if begun is not None and not isinstance(placing := await begun, Refused):
            return placing
        require_future(submission)
        ship_to = await self._ship_to(submission)
        for may_recall in (True, False)[begun is not None :]:
            items = await self._items(submission, may_recall=may_recall)
            order = compose_order(submission, items, ship_to)
            bind_ids(order_id=order.id)
            placing = await self._intake.submit(order)
            if not isinstance(placing, Refused):
                return placing
        raise RevisionNotReleased("the revisions of these parts are changing just now: repeat the request")

    async def _ship_to(self, submission: Submission) -> ShipTo:
        now = submission.received_at
        book = self._places.recall(now=now)
        if book is None:
            book = await run_in_threadpool(self._load_places, now)
        return ship_to_of(book, submission.asked.ship_to)

    async def _items(self, submission: Submission, *, may_recall: bool) -> Sequence[OrderableRevision]:
        known = self._recall_items(submission) if may_recall else None
        if known is not None:
            return known
        return await run_in_threadpool(
            self._look_up, submission.principal, _asked_lines(submission), submission.received_at
        )

    def _recall_items(self, submission: Submission) -> Sequence[OrderableRevision] | None:
        asking = submission.principal.organisation_id
        lines = _asked_lines(submission)
        return self._catalogue.recall(organisation_id=asking, lines=lines, now=submission.received_at)

    def _load_places(self, now: datetime) -> PlaceBook:
        with unit_of_work(self._tenants) as session:
            return self._places.load(session, now=now)

    def _look_up(self, asking: Principal, lines: Sequence[AskedLine], now: datetime) -> Sequence[OrderableRevision]:
        with unit_of_work(self._tenants, tenant=asking.tenant) as session:
            return self._catalogue.look_up(session, organisation_id=asking.organisation_id, lines=lines, now=now)

    def _find_answer(self, submission: Submission) -> Replayed | KeyReused | None:
        with unit_of_work(self._tenants, tenant=submission.principal.tenant) as session:
            return find_answer(
                session,
                organisation_id=submission.principal.organisation_id,
                idempotency_key=submission.idempotency_key,
                request_sha256=submission.request_sha256,
            )


def _asked_lines(submission: Submission) -> Sequence[AskedLine]:
    return [AskedLine(part=line.part, revision=line.revision) for line in submission.asked.lines]


def require_future(submission: Submission) -> None:
    """Raise ``NeedByOutOfRange`` unless the order is needed in the future, within ten years."""
    need_by, now = submission.asked.need_by, submission.received_at
    if need_by is None or now < need_by < now + _LATEST_NEED:
        return
    message = f"must be in the future and within ten years; it is {now:%Y-%m-%dT%H:%M:%SZ} now"
    problem = FieldProblem(pointer="/need_by", message=message)
    raise NeedByOutOfRange(f"/need_by {message}", problems=(problem,))


def compose_order(submission: Submission, items: Sequence[OrderableRevision], ship_to: ShipTo) -> NewOrder:
    """Return the order that a submission means, with the answer of one that is not decided yet."""
    view = _new_view(submission, items, ship_to)
    scopes = planning_scopes(
        [item.process_materials for item in items],
        country=ship_to.country,
        decided_together=view.max_price_minor is not None,
    )
    return NewOrder(
        id=view.id,
        organisation_id=view.organisation_id,
        actor=submission.principal.key_id,
        idempotency_key=submission.idempotency_key,
        request_sha256=submission.request_sha256,
        answer=order_out(view, {}).model_dump_json().encode(),
        location=f"/v1/orders/{view.id}",
        planning_scope=scopes[0],
        reference=view.reference,
        batch=view.batch,
        objective=view.objective,
        criticality=view.criticality,
        packaging=view.packaging,
        need_by=view.need_by,
        need_by_hard=view.need_by_hard,
        max_price_minor=view.max_price_minor,
        currency=view.currency,
        ship_to=view.ship_to,
        split_max_nodes=view.split_max_nodes,
        split_min_per_node=view.split_min_per_node,
        cost_of_waiting_minor=view.cost_of_waiting_minor,
        first_article=view.first_article,
        lines=tuple(
            NewLine(
                id=line.id,
                part_id=item.part_id,
                revision_id=item.revision_id,
                quantity=line.quantity,
                planning_scope=scope,
            )
            for line, item, scope in zip(view.lines, items, scopes, strict=True)
        ),
        placed_at=view.placed_at,
        traceparent=traceparent(),
    )


def _new_view(submission: Submission, items: Sequence[OrderableRevision], ship_to: ShipTo) -> OrderView:
    asked, order_id = submission.asked, new_id("ord")
    criticality = asked.criticality or items[0].criticality
    return OrderView(
        id=order_id,
        organisation_id=submission.principal.organisation_id,
        reference=asked.reference,
        batch=asked.batch,
        state="pending",
        objective=asked.objective or default_objective(criticality),
        criticality=criticality,
        packaging=asked.packaging,
        need_by=None if asked.need_by is None else asked.need_by.astimezone(UTC),
        need_by_hard=asked.need_by_hard,
        max_price_minor=_minor(asked.max_price),
        currency=CURRENCY,
        ship_to=ship_to,
        placed_at=submission.received_at,
        updated_at=submission.received_at,
        version=1,
        split_max_nodes=0 if asked.split is None else asked.split.max_nodes,
        split_min_per_node=1 if asked.split is None else asked.split.min_per_node,
        cost_of_waiting_minor=_minor(asked.cost_of_waiting_per_hour),
        first_article=asked.first_article,
        lines=tuple(
            _new_line(order_id, line.quantity, item, position)
            for position, (line, item) in enumerate(zip(asked.lines, items, strict=True), start=1)
        ),
    )


def _minor(money: MoneyIn | None) -> int | None:
    return None if money is None else money.amount_minor


def _new_line(order_id: str, quantity: int, item: OrderableRevision, position: int) -> LineView:
    return LineView(
        id=f"{order_id.replace('ord_', 'line_')}_{position:02d}",  # sorts as the order does, then by position
        position=position,
        part=item.part,
        revision=item.revision,
        quantity=quantity,
        state="pending",
        state_reason="",
        decision_id=None,
    )
