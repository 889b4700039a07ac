from typing import Any

import pytest

from tests.factories.api import Api
from tests.factories.documents import whole_document
from tests.factories.problems import Refusal, problem_of, refusal_of

PARTS = "part_no,name,sector,hs_code\nQ-1,Cap,furniture,3926.90\n"


def _operations() -> list[tuple[str, str, list[str]]]:
    paths: dict[str, dict[str, Any]] = whole_document()["paths"]
    return [
        (method.upper(), path, [it["name"] for it in operation.get("parameters", []) if it["in"] == "query"])
        for path, methods in paths.items()
        for method, operation in methods.items()
        if path.startswith("/v1/")
    ]


OPERATIONS = _operations()


def _filled(path: str) -> str:
    return path.replace("{", "").replace("}", "")


def test_a_misspelt_dry_run_imports_nothing(standing_api: Api) -> None:
    headers = {"Content-Type": "text/csv"}
    refused = standing_api.client.post("/v1/imports/parts?dryrun=true", content=PARTS, headers=headers)
    known = standing_api.client.post("/v1/imports/parts?dry_run=true", content=PARTS, headers=headers)

    assert refusal_of(refused) == Refusal(status=422, code="validation_failed", pointers=("",))
    assert (
        problem_of(refused)["detail"] == "parameter dryrun: POST /v1/imports/parts does not know it, it takes dry_run"
    )
    assert (known.status_code, known.json()["created"]) == (200, 1)
    assert standing_api.client.get("/v1/parts/Q-1").status_code == 404


@pytest.mark.parametrize(("method", "path", "known"), OPERATIONS, ids=[f"{it[0]} {it[1]}" for it in OPERATIONS])
def test_every_endpoint_refuses_what_it_does_not_take_and_names_what_it_takes(
    standing_api: Api, method: str, path: str, known: list[str]
) -> None:
    response = standing_api.client.request(method, f"{_filled(path)}?nonsense=1&also=")

    assert refusal_of(response) == Refusal(status=422, code="validation_failed", pointers=("", ""))
    first, second = problem_of(response)["errors"]
    takes = f"it takes {', '.join(known)}" if known else "it takes none"
    assert first["message"].startswith("parameter nonsense: ")
    assert first["message"].endswith(f", {takes}")
    assert second["message"].startswith("parameter also: ")


def test_a_name_that_a_terminal_would_obey_is_not_sent_back(standing_api: Api) -> None:
    response = standing_api.client.get("/v1/orders?%1B%5B2J" + "x" * 100 + "=1")

    assert refusal_of(response).code == "validation_failed"
    assert problem_of(response)["detail"].startswith("parameter \ufffd[2J" + "x" * 36 + ": GET /v1/orders ")


def test_a_name_without_a_letter_is_refused_too(standing_api: Api) -> None:
    assert problem_of(standing_api.client.get("/v1/orders?=1"))["detail"].startswith("parameter without a name: ")
    assert standing_api.client.get("/v1/orders?").status_code == 200


def test_health_is_asked_with_whatever_a_probe_adds(standing_api: Api) -> None:
    assert standing_api.client.get("/healthz?probe=1").status_code == 200
