"""What an empty request is told: that its body is missing, not that it has the wrong kind."""

import pytest

from tests.factories.api import Api
from tests.factories.problems import Refusal, problem_of, refusal_of

PATHS = ("/v1/parts", "/v1/quotes", "/v1/orders", "/v1/estimates", "/v1/webhook-endpoints")


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/json"}])
def test_who_sends_no_body_is_told_that_it_is_missing(standing_api: Api, headers: dict[str, str]) -> None:
    for path in PATHS:
        answer = standing_api.client.post(path, headers=headers | {"Idempotency-Key": "empty"})

        assert refusal_of(answer) == Refusal(status=400, code="malformed_json"), path
        assert problem_of(answer)["detail"] == (
            "a JSON body is missing: send one, with the header Content-Type: application/json"
        )


def test_a_body_without_a_media_type_and_one_of_another_are_refused_as_such(standing_api: Api) -> None:
    for headers, content in (
        ({}, b"{}"),
        ({"Content-Type": "text/plain"}, b"{}"),
        ({"Content-Type": "text/plain"}, b""),
    ):
        answer = standing_api.client.post("/v1/parts", content=content, headers=headers)

        assert refusal_of(answer) == Refusal(status=415, code="unsupported_media_type")
        assert "Content-Type: application/json" in problem_of(answer)["detail"]
