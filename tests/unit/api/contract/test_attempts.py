"""What is kept of an answer, and how it is given again."""

import pytest
from fastapi import Response

from fabroute.api.contract.attempts import REPLAYED, Attempt, json_answer
from fabroute.api.contract.sealing import AnswerSealed, seal, unseal
from fabroute.api.contract.secrets import holds_secret
from fabroute.api.schemas.base import Listing, ResponseModel
from fabroute.identity.service.idempotency import KeptAnswer, KeyedRequest

KEYED = KeyedRequest(organisation_id="org_1", key="k-1", request_sha256="0" * 64)


class NewKey(ResponseModel):
    """An answer with a secret in it."""

    key_id: str
    secret: str


class Part(ResponseModel):
    """An answer without one."""

    part_no: str


class Keys(ResponseModel):
    """A secret further down."""

    keys: list[NewKey]


def an_attempt(*, credential: str = "Bearer one", holds_secret: bool = False) -> Attempt:
    """Return an attempt."""
    return Attempt(request=KEYED, credential=credential, holds_secret=holds_secret)


def kept(attempt: Attempt, response: Response) -> KeptAnswer:
    """Return what would be stored of an answer."""
    attempt.note(response)
    assert attempt._answer is not None
    return attempt._answer


@pytest.mark.parametrize(
    ("response", "headers"),
    [
        (Response(status_code=204), {}),
        (Response(b"%PDF\x00\xff", media_type="application/pdf"), {"content-type": "application/pdf"}),
        (
            json_answer(Part(part_no="A-1"), status=201, location="/v1/parts/A-1"),
            {"content-type": "application/json", "location": "/v1/parts/A-1"},
        ),
        (
            Response(b"{}", headers={"ETag": '"v1"', "Link": "<x>; rel=next", "Fabroute-X": "1", "X-Other": "2"}),
            {"etag": '"v1"', "link": "<x>; rel=next", "fabroute-x": "1"},
        ),
        (
            Response(b"x", headers={"Content-Disposition": 'attachment; filename="a"', "Retry-After": "3"}),
            {"content-disposition": 'attachment; filename="a"', "retry-after": "3"},
        ),
    ],
)
def test_status_bytes_and_headers_of_any_answer_come_again(response: Response, headers: dict[str, str]) -> None:
    attempt = an_attempt()
    again = attempt.replay(kept(attempt, response))

    assert (again.status_code, again.body) == (response.status_code, response.body)
    expected = headers | {name.lower(): value for name, value in REPLAYED.items()}
    assert {name: value for name, value in again.headers.items() if name != "content-length"} == expected
    assert again.headers.get("content-length") == response.headers.get("content-length")


@pytest.mark.parametrize("status", [199, 304, 400, 409, 422, 429, 500, 503])
def test_what_is_no_success_is_not_kept(status: int) -> None:
    attempt = an_attempt()
    attempt.note(Response(status_code=status))

    assert attempt._answer is None
    assert not attempt.is_claimed


def test_what_leads_on_is_kept_with_where_to() -> None:
    attempt = an_attempt()
    stored = kept(attempt, Response(status_code=303, headers={"Location": "/console/orders/ord_1"}))

    assert (stored.status, stored.headers["location"]) == (303, "/console/orders/ord_1")
    assert attempt.replay(stored).headers["Location"] == "/console/orders/ord_1"


def test_a_secret_is_stored_so_that_only_who_got_it_reads_it_again() -> None:
    mine, other = an_attempt(holds_secret=True), an_attempt(credential="Bearer two", holds_secret=True)
    stored = kept(mine, json_answer(NewKey(key_id="key_1", secret="fr_test_1_x")))

    assert stored.is_sealed
    assert b"fr_test" not in stored.body
    assert mine.replay(stored).body == b'{"key_id":"key_1","secret":"fr_test_1_x"}'
    with pytest.raises(AnswerSealed, match="only the key which sent it first may read again"):
        other.replay(stored)


def test_sealed_content_is_bound_to_its_name_and_looks_different_every_time() -> None:
    one, two = (seal(b"secret", credential="c", name="k-1") for _ in range(2))

    assert unseal(one, credential="c", name="k-1") == unseal(two, credential="c", name="k-1") == b"secret"
    assert one != two
    with pytest.raises(AnswerSealed):
        unseal(one, credential="c", name="k-2")
    with pytest.raises(AnswerSealed):
        unseal(one[:-1] + bytes([one[-1] ^ 1]), credential="c", name="k-1")


def test_answers_with_secrets_are_known_by_the_names_of_their_fields() -> None:
    found = [holds_secret(model) for model in (NewKey, Keys, Listing[NewKey], Part, Listing[Part], None)]

    assert found == [True, True, True, False, False, False]
    assert holds_secret(NewKey | Part) is True
