"""What goes away says so: in the description, and in every answer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import APIRouter, Response
from fastapi.testclient import TestClient

from fabroute.api.app import build_app
from fabroute.api.contract import deprecation
from fabroute.api.contract.deprecation import DEPRECATED, NOTICE, Deprecation, SunsetTooSoon
from fabroute.api.contract.routes import ContractRoute

SINCE, SUNSET = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 7, 1, 12, tzinfo=UTC)
GOING = Deprecation(since=SINCE, sunset=SUNSET, instead="`GET /v1/new` has it.", address="/docs/api/orders#list_orders")
LINK = '</docs/api/orders#list_orders>; rel="deprecation"; type="text/html"'


@pytest.fixture
def client() -> Iterator[TestClient]:
    """An app with one operation that goes away, and one that stays."""
    DEPRECATED["read_old"] = GOING
    router = APIRouter(prefix="/v1", route_class=ContractRoute)

    @router.get("/old", tags=["orders"])
    def read_old(response: Response) -> dict[str, int]:
        """Read the old thing."""
        response.headers["Link"] = '</v1/old?cursor=x>; rel="next"'
        return {"old": 1}

    @router.get("/new", tags=["orders"])
    def read_new() -> dict[str, int]:
        """Read the new thing."""
        return {"new": 1}

    app = build_app(None)
    app.include_router(router)
    yield TestClient(app, raise_server_exceptions=False)
    del DEPRECATED["read_old"]


def test_answers_say_since_when_until_when_and_where_more_is_told(client: TestClient) -> None:
    old, new = client.get("/v1/old"), client.get("/v1/new")

    assert old.headers["Deprecation"] == "@1796083200"
    assert old.headers["Sunset"] == "Thu, 01 Jul 2027 12:00:00 GMT"
    assert old.headers["Link"] == f'</v1/old?cursor=x>; rel="next", {LINK}'
    assert [new.headers.get(name) for name in ("Deprecation", "Sunset", "Link")] == [None, None, None]


def test_the_description_marks_it_and_names_what_to_use(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    old, new = paths["/v1/old"]["get"], paths["/v1/new"]["get"]

    assert (old["deprecated"], new.get("deprecated")) == (True, None)
    assert old["description"] == (
        "Read the old thing.\n\n**Deprecated** since 2026-12-01, gone on 2027-07-01 at the earliest: "
        "`GET /v1/new` has it."
    )


def test_the_handbook_marks_it_too(client: TestClient) -> None:
    page = client.get("/docs/api/orders").text

    assert page.count('<strong class="old">deprecated</strong>') == 1
    assert "gone on 2027-07-01 at the earliest" in page


def test_nothing_goes_away_within_half_a_year() -> None:
    assert timedelta(days=180) == NOTICE
    with pytest.raises(SunsetTooSoon, match="an operation stays for 180 days after its deprecation"):
        Deprecation(since=SINCE, sunset=SINCE + NOTICE - timedelta(seconds=1), instead="x")
    assert Deprecation(since=SINCE, sunset=SINCE + NOTICE, instead="x").headers["Deprecation"] == "@1796083200"


def test_nothing_is_deprecated_yet() -> None:
    assert deprecation.DEPRECATED == {}
    assert int(SINCE.timestamp()) == 1_796_083_200
