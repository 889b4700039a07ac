"""Location: where what a POST created is read."""

from fastapi import Request, Response

from fabroute.api.contract.attempts import json_answer
from fabroute.api.contract.etags import names_tag, tagged
from fabroute.api.contract.locations import located
from fabroute.api.schemas.base import ResponseModel
from tests.factories.api import Api


class Thing(ResponseModel):
    """Something that was created."""

    id: str


def a_request(condition: str | None = None, **path: str) -> Request:
    """Return a request."""
    headers = [] if condition is None else [(b"if-none-match", condition.encode())]
    return Request({"type": "http", "headers": headers, "path_params": path})


def test_the_location_is_made_of_the_answer_and_of_the_path() -> None:
    answer = json_answer(Thing(id="a/b ö"), status=201)
    other = json_answer(Thing(id="x"), status=202)
    kept = json_answer(Thing(id="x"), status=201, location="/v1/here")

    assert located(a_request(), answer, "/v1/lots/{id}").headers["Location"] == "/v1/lots/a%2Fb%20%C3%B6"
    assert located(a_request(node_id="N 1"), other, "/v1/nodes/{node_id}/x").headers["Location"] == "/v1/nodes/N%201/x"
    assert located(a_request(), kept, "/v1/lots/{id}").headers["Location"] == "/v1/here"
    assert "Location" not in located(a_request(), json_answer(Thing(id="x")), "/v1/lots/{id}").headers


def test_bytes_have_a_tag_and_who_has_them_gets_none() -> None:
    first = tagged(a_request(), json_answer(Thing(id="x")))
    etag = first.headers["ETag"]
    again = tagged(a_request(f'"other", W/{etag}'), json_answer(Thing(id="x")))
    other = tagged(a_request(etag), json_answer(Thing(id="y")))

    assert etag == '"5e2b92cc57ce618dfbb54844"'
    assert (again.status_code, again.body, again.headers["ETag"]) == (304, b"", etag)
    assert (other.status_code, other.headers["ETag"] != etag) == (200, True)
    assert (names_tag("*", etag), names_tag("", etag), names_tag("*", "")) == (True, False, False)


def test_what_is_no_json_or_no_success_or_tagged_already_stays_as_it_is() -> None:
    answers = [Response(b"x", media_type="text/csv"), json_answer(Thing(id="x"), status=201)]
    own = Response(b"{}", media_type="application/json", headers={"ETag": '"v1"'})

    assert ["ETag" in tagged(a_request(), answer).headers for answer in answers] == [False, False]
    assert tagged(a_request('"v1"'), own).headers["ETag"] == '"v1"'


def test_a_new_report_and_a_new_licence_say_where_they_are(api: Api) -> None:
    report = api.client.post("/v1/readiness")
    licence = api.client.post(f"/v1/revisions/{api.owner.revision_id}/licences", json={"prints": 5})

    assert (report.status_code, report.headers["Location"]) == (202, "/v1/readiness")
    assert licence.status_code == 201, licence.text
    assert licence.headers["Location"] == f"/v1/revisions/{api.owner.revision_id}/licences"
    assert api.client.get(licence.headers["Location"]).json()["data"][0]["id"] == licence.json()["id"]
