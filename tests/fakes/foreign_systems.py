"""Small shops and a small maintenance system: strict about keys, with what they hold in memory, and slips on order."""

import base64
import json
import threading
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from tests.fakes.web_server import Answer, Asked, json_answer

TOKEN = "shpat_test"
Slip = Literal["500", "429", "dropped", "lost"]
"""``dropped``: the connection is closed and nothing was done; ``lost``: the same, but it was done."""
Json = dict[str, Any]


@dataclass(kw_only=True)
class ForeignServer:
    """What the fakes have in common; each request that writes meets the next slip, if there is one."""

    slips: list[Slip] = field(default_factory=list)
    writes: list[tuple[str, Json]] = field(default_factory=list)
    """Path and body of what was done."""
    refused: list[str] = field(default_factory=list)
    """Paths that were asked for without the right key."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: Asked) -> Answer:
        with self._lock:
            if not self.knows(asked):
                self.refused.append(asked.path)
                return json_answer({"errors": "[API] Invalid API key or access token"}, 401)
            slip = self.slips.pop(0) if asked.method != "GET" and self.slips else None
            if slip in ("500", "429"):
                return Answer(status=int(slip), headers={"Retry-After": "2.0"} if slip == "429" else {})
            if slip == "dropped":
                return Answer(status=0)
            answer = self.answer(asked, json.loads(asked.body) if asked.body else {})
            return Answer(status=0) if slip == "lost" else answer

    @abstractmethod
    def knows(self, asked: Asked) -> bool:
        """Say whether a request has the key."""

    @abstractmethod
    def answer(self, asked: Asked, body: Json) -> Answer:
        """Do what is asked."""

    def done(self, asked: Asked, body: Json) -> None:
        """Note that something was written."""
        self.writes.append((urlsplit(asked.path).path, body))


@dataclass(kw_only=True)
class FakeShopify(ForeignServer):
    """One order with one fulfilment order, in the shape of the Admin REST API."""

    order_id: int
    line_id: int
    quantity: int
    note_attributes: list[Json] = field(default_factory=lambda: [{"name": "gift", "value": "yes"}])
    fulfilments: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)

    def knows(self, asked: Asked) -> bool:
        """Look for the app's token."""
        return asked.headers.get("x-shopify-access-token") == TOKEN

    def answer(self, asked: Asked, body: Json) -> Answer:
        """Know the paths that a bridge needs, and no other order."""
        path = urlsplit(asked.path).path.removeprefix("/admin/api/2025-10").removesuffix(".json")
        order = f"/orders/{self.order_id}"
        if asked.method == "GET" and path == order:
            return json_answer({"order": {"id": self.order_id, "note_attributes": self.note_attributes}})
        if asked.method == "GET" and path == f"{order}/fulfillment_orders":
            return json_answer({"fulfillment_orders": [self._to_fulfil()]})
        if asked.method == "GET" and path == f"{order}/fulfillments":
            return json_answer({"fulfillments": self.fulfilments})
        if asked.method == "PUT" and path == order and body["order"]["id"] == self.order_id:
            self.note_attributes = body["order"]["note_attributes"]
        elif asked.method == "POST" and path == "/fulfillments":
            return self._fulfil(asked, body)
        elif asked.method == "POST" and path == f"{order}/fulfillments/255858046/events":
            self.events.append(body["event"])
            self.fulfilments[0]["shipment_status"] = body["event"]["status"]
        else:
            return json_answer({"errors": "Not Found"}, 404)
        self.done(asked, body)
        return json_answer({})

    def _to_fulfil(self) -> Json:
        left = self.quantity - sum(it["line_items"][0]["quantity"] for it in self.fulfilments)
        item = {"id": 1058737482, "line_item_id": self.line_id, "quantity": self.quantity, "fulfillable_quantity": left}
        return {"id": 1046000778, "status": "open" if left else "closed", "line_items": [item]}

    def _fulfil(self, asked: Asked, body: Json) -> Answer:
        told = body["fulfillment"]
        (group,) = told["line_items_by_fulfillment_order"]
        (item,) = group["fulfillment_order_line_items"]
        if (group["fulfillment_order_id"], item["id"]) != (1046000778, 1058737482):
            return json_answer({"errors": ["no such line"]}, 422)
        made = {
            "id": 255858046 + len(self.fulfilments),
            "status": "success",
            "tracking_number": told["tracking_info"]["number"],
            "tracking_company": told["tracking_info"]["company"],
            "line_items": [{"id": self.line_id, "quantity": item["quantity"]}],
        }
        self.fulfilments.append(made)
        self.done(asked, body)
        return json_answer({"fulfillment": made}, 201)


@dataclass(kw_only=True)
class FakeWooCommerce(ForeignServer):
    """One order with its notes, in the shape of wc/v3."""

    order: Json
    notes: list[Json] = field(default_factory=list)

    def knows(self, asked: Asked) -> bool:
        """Look for consumer key and secret."""
        told = asked.headers.get("authorization", "").removeprefix("Basic ")
        return base64.b64decode(told) == f"ck_test:{TOKEN}".encode()

    def answer(self, asked: Asked, body: Json) -> Answer:
        """Know one order and its notes."""
        path = urlsplit(asked.path).path
        order = f"/wp-json/wc/v3/orders/{self.order['id']}"
        if path == f"{order}/notes" and asked.method == "GET":
            return json_answer(self.notes)
        if path == f"{order}/notes":
            self.notes.append({"id": 281 + len(self.notes), **body})
        elif path == order and asked.method == "PUT":
            meta = {it["key"]: it["value"] for it in (*self.order["meta_data"], *body.pop("meta_data", []))}
            self.order |= body | {"meta_data": [{"key": key, "value": value} for key, value in meta.items()]}
        else:
            return json_answer({"code": "rest_no_route", "message": "No route was found"}, 404)
        self.done(asked, body)
        return json_answer({}, 201)


@dataclass(kw_only=True)
class FakeMaximo(ForeignServer):
    """Work orders with their logs, in the shape of mxapiwodetail; two on a page."""

    work_orders: list[Json]
    logs: dict[str, list[Json]] = field(default_factory=dict)
    elsewhere: str = ""
    """What the last page names as the next one."""
    asked_where: list[str] = field(default_factory=list)

    def knows(self, asked: Asked) -> bool:
        """Look for the API key."""
        return asked.headers.get("apikey") == TOKEN

    def answer(self, asked: Asked, body: Json) -> Answer:
        """Know the work orders and their logs."""
        url = urlsplit(asked.path)
        key = url.path.removeprefix("/maximo/api/os/mxapiwodetail").strip("/")
        if not key:
            return self._page(parse_qs(url.query))
        number = base64.b64decode(key.removeprefix("_") + "==").decode().split("/")[1]
        if asked.method == "GET":
            return json_answer({"worklog": self.logs.get(number, [])})
        if (asked.headers.get("x-method-override"), asked.headers.get("patchtype")) != ("PATCH", "MERGE"):
            return json_answer({"Error": {"message": "BMXAA0024E"}}, 400)
        self.logs.setdefault(number, []).extend(body["worklog"])
        self.done(asked, body)
        return Answer(status=204)

    def _page(self, query: dict[str, list[str]]) -> Answer:
        self.asked_where += query.get("oslc.where", [])
        start = int(query.get("start", ["0"])[0])
        found = self.work_orders[start : start + 2]
        path = "/maximo/api/os/mxapiwodetail"
        following = f"{path}?start={start + 2}" if start + 2 < len(self.work_orders) else self.elsewhere
        return json_answer({"member": found, "responseInfo": {"nextPage": {"href": following}} if following else {}})
