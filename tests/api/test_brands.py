"""Brands over HTTP: stated by owners, with a logo of which only the pixels are kept."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import httpx
import pytest
from PIL import Image

from fabroute.database import unit_of_work
from tests.factories.api import Api
from tests.factories.api_jobs import token_of
from tests.factories.databases import in_transaction, rows
from tests.factories.papers import a_picture
from tests.factories.problems import Refusal, refusal_of

BRAND: dict[str, object] = {
    "name": "Nordbahn Ersatzteile",
    "accent_colour": "#0B7285",
    "sender": ["Hafenstraße 12", "20457 Hamburg"],
    "slip_text": "Thank you.",
    "contact": "parts@nordbahn.example",
}
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture(scope="module")
def bureau(standing_api: Api) -> Iterator[httpx.Client]:
    with standing_api.as_(token_of(standing_api.engine, "org_press", "bureau")) as client:
        yield client


def stated(api: Api, body: dict[str, object], **headers: str) -> httpx.Response:
    return api.client.put("/v1/brand", json=body, headers=headers)


def test_until_a_brand_is_stated_papers_bear_the_organisation_s_name(api: Api) -> None:
    answer = api.client.get("/v1/brand")

    ((name,),) = in_transaction(
        api.engine,
        lambda session: rows(session, "SELECT name FROM organisations WHERE id = :it", it=api.owner.organisation_id),
    )
    assert answer.json() == {
        "name": name,
        "accent_colour": "#1f2937",
        "sender": [],
        "slip_text": "",
        "contact": "",
        "logo_sha256": None,
        "unprintable_letters": "",
    }
    assert answer.headers["ETag"].startswith('"v1-')


def test_a_brand_is_stated_as_a_whole_and_never_over_somebody_s_change(api: Api) -> None:
    tag = api.client.get("/v1/brand").headers["ETag"]
    done = stated(api, BRAND, **{"If-Match": tag})

    assert done.json() == BRAND | {
        "accent_colour": "#0b7285",
        "logo_sha256": None,
        "unprintable_letters": "",
    }
    assert done.headers["ETag"] == api.client.get("/v1/brand").headers["ETag"]
    assert refusal_of(stated(api, BRAND, **{"If-Match": tag})) == Refusal(status=412, code="brand_changed")
    assert refusal_of(stated(api, BRAND)) == Refusal(status=428, code="precondition_required")
    again = stated(api, {"name": "Only a name"}, **{"If-Match": "*"}).json()
    assert (again["name"], again["sender"], again["accent_colour"]) == ("Only a name", [], "#1f2937")
    actions = "SELECT action, subject_id FROM audit_entries WHERE subject_type = 'brand' ORDER BY id"
    owner = api.owner.organisation_id
    assert in_transaction(api.engine, lambda session: rows(session, actions)) == [("brand.changed", owner)] * 2


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"accent_colour": "teal"}, "/accent_colour"),
        ({"sender": ["x"] * 7}, "/sender"),
        ({"slip_text": "x" * 401}, "/slip_text"),
        ({"contact": "a\u202eb"}, "/contact"),
        ({"logo": "x"}, "/logo"),
    ],
)
def test_a_brand_that_can_not_be_is_refused(standing_api: Api, change: dict[str, object], pointer: str) -> None:
    refused = stated(standing_api, BRAND | change, **{"If-Match": "*"})

    assert refusal_of(refused) == Refusal(status=422, code="validation_failed", pointers=(pointer,))


def test_a_logo_is_kept_as_its_pixels_and_can_be_taken_away(api: Api) -> None:
    stated(api, BRAND, **{"If-Match": "*"})
    assert refusal_of(api.client.get("/v1/brand/logo")) == Refusal(status=404, code="no_logo")
    headers = {"Content-Type": "image/jpeg"}
    sent = api.client.put("/v1/brand/logo", content=a_picture(kind="JPEG"), headers=headers).json()
    read = api.client.get("/v1/brand/logo")

    assert sent["name"] == "Nordbahn Ersatzteile"
    assert read.headers["ETag"] == f'"{sent["logo_sha256"]}"'
    assert read.headers["Content-Type"] == "image/png"
    with Image.open(BytesIO(read.content)) as picture:
        assert (picture.format, picture.size) == ("PNG", (64, 16))
    assert stated(api, BRAND, **{"If-Match": "*"}).json()["logo_sha256"] == sent["logo_sha256"]
    assert api.client.delete("/v1/brand/logo").json()["logo_sha256"] is None
    assert refusal_of(api.client.get("/v1/brand/logo")).code == "no_logo"


def test_who_names_no_version_is_not_refused_for_a_change_at_the_same_time(api: Api) -> None:
    def after_somebody_else(ask: Callable[[], httpx.Response]) -> httpx.Response:
        """Ask while another transaction changes the brand, which it commits as soon as the request waits for it."""
        with ThreadPoolExecutor(1) as pool:
            with unit_of_work(api.engine) as other:
                rows(other, "UPDATE brands SET version = version + 1, contact = 'another' RETURNING version")
                asked = pool.submit(ask)
                until = time.monotonic() + 20
                while in_transaction(api.engine, lambda session: rows(session, WAITING)) == [(0,)]:
                    assert time.monotonic() < until
                    time.sleep(0.01)
            return asked.result()

    tag = stated(api, BRAND, **{"If-Match": "*"}).headers["ETag"]
    removed = after_somebody_else(lambda: api.client.delete("/v1/brand/logo"))
    whatever = after_somebody_else(lambda: stated(api, {"name": "Mine"}, **{"If-Match": "*"}))
    refused = refusal_of(stated(api, BRAND, **{"If-Match": tag}))

    assert (removed.status_code, removed.json()["contact"]) == (200, "another")
    assert (whatever.status_code, whatever.json()["contact"]) == (200, "")
    assert whatever.headers["ETag"].startswith('"v6-')
    assert refused == Refusal(status=412, code="brand_changed")


def test_what_is_no_logo_is_refused(standing_api: Api) -> None:
    def put(content: bytes, media_type: str) -> Refusal:
        headers = {"Content-Type": media_type}
        return refusal_of(standing_api.client.put("/v1/brand/logo", content=content, headers=headers))

    assert put(b"<svg/>", "image/png") == Refusal(status=422, code="invalid_logo")
    assert put(b"<svg/>", "image/svg+xml") == Refusal(status=415, code="unsupported_media_type")
    assert put(b"x" * (2**20 + 1), "image/png").status == 413
    assert standing_api.client.get("/v1/brand").json()["logo_sha256"] is None


def test_a_bureau_has_no_brand(bureau: httpx.Client) -> None:
    for answer in (
        bureau.get("/v1/brand"),
        bureau.put("/v1/brand", json=BRAND, headers={"If-Match": "*"}),
        bureau.put("/v1/brand/logo", content=a_picture(), headers={"Content-Type": "image/png"}),
    ):
        assert refusal_of(answer) == Refusal(status=403, code="owners_only")
