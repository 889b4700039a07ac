"""The examples of parts, revisions, files, licences and tables are one story, which the API takes and tells."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from fabroute.inventory.service import ValidationLimits, validate_submissions
from fabroute.kernel.time import utc_now
from tests.factories.api import Api
from tests.fakes.print_file_validator import FakeValidator

EXAMPLES = Path(__file__).parents[2] / "openapi" / "examples"
PART = "/v1/parts/PU-0017%2F4"
DOCUMENTED_AT = "https://fabroute.example.com"
TABLE = """part_no,name,sector,hs_code,annual_demand,aliases
PU-0018,Wear ring,water,8413.91,120,old:4711-0816
PU-0019,,water,8413.91,many,
PU-0017/4,Pump impeller,water,8413.91,40,old:4711-0815
"""
REQUESTS = (
    "AliasIn.old.json",
    "ApprovalIn.measured.json",
    "InstallationIn.pump.json",
    "LicenceIn.ulm.json",
    "PartIn.impeller.json",
    "ReasonIn.release.json",
    "RevisionChangeIn.packaging.json",
    "RevisionIn.requirements.json",
)
_VARIES = ("statement", "signature", "public_key", "at", "actor", "readers", "preview", "model", "request_id")


def load(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text(encoding="utf8"))


def plain(value: Any) -> Any:
    """Return an answer without what is another at every time: ids, instants, keys, signatures."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {name: type(item).__name__ if _varies(name) else plain(item) for name, item in value.items()}


def _varies(name: str) -> bool:
    return name in _VARIES or name == "id" or name.endswith(("_id", "_at", "_by"))


def told(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


def story(api: Api, folder: Path) -> dict[str, Any]:
    """Live through the story by the requests of the examples, and return the answers by the examples' names."""
    told(api.client.post("/v1/parts", json=load("PartIn.impeller.json")))
    told(api.client.post(f"{PART}/aliases", json=load("AliasIn.old.json")))
    place = told(api.client.post(f"{PART}/installations", json=load("InstallationIn.pump.json")))
    draft = told(api.client.post(f"{PART}/revisions", json=load("RevisionIn.requirements.json")))
    here = f"/v1/revisions/{draft['id']}"
    change = api.client.patch(here, json=load("RevisionChangeIn.packaging.json"), headers={"If-Match": "*"})
    assert told(change)["packaging"] == "esd"
    seen = {"InstallationOut.pump.json": place, "RevisionDetailOut.draft.json": draft}
    return seen | files(api, here, folder) | release(api, here) | tables(api)


def files(api: Api, here: str, folder: Path) -> dict[str, Any]:
    """A bad file is refused, a good one found valid; a drawing comes with it."""
    api.client.put(f"{here}/print-file?name=impeller.stl", content=b"bad mesh", headers={"Content-Type": "model/stl"})
    validate(api, folder)
    refused = told(api.client.get(f"{here}/validation"))
    good = api.client.put(
        f"{here}/print-file?name=impeller.3mf", content=b"good mesh", headers={"Content-Type": "model/3mf"}
    )
    validate(api, folder)
    drawing = api.client.put(
        f"{here}/documents/B4.pdf?kind=drawing", content=b"%PDF-1.7", headers={"Content-Type": "application/pdf"}
    )
    return {
        "ValidationOut.refused.json": refused,
        "ValidationOut.queued.json": told(good),
        "ValidationOut.valid.json": told(api.client.get(f"{here}/validation")),
        "DocumentOut.drawing.json": told(drawing),
    }


def release(api: Api, here: str) -> dict[str, Any]:
    """The file is approved, the revision released, prints of it licensed."""
    approval = load("ApprovalIn.measured.json")
    assert approval["sha256"] == told(api.client.get(here))["print_file"]["sha256"]
    told(api.client.post(f"{here}/approval", json=approval))
    released = told(api.client.post(f"{here}/release", json=load("ReasonIn.release.json")))
    return {
        "RevisionDetailOut.released.json": released,
        "HistoryOut.released.json": told(api.client.get(f"{here}/history")),
        "SigningKeyOut.key.json": told(api.client.get("/v1/signing-key")),
        "LicenceOut.granted.json": told(api.client.post(f"{here}/licences", json=load("LicenceIn.ulm.json"))),
        "PartOut.part.json": told(api.client.get(PART)),
    }


def tables(api: Api) -> dict[str, Any]:
    """A table with mistakes, tried, then refused."""
    csv = {"Content-Type": "text/csv"}
    tried = api.client.post("/v1/imports/parts?dry_run=true", content=TABLE, headers=csv)
    refused = api.client.post("/v1/imports/parts", content=TABLE, headers=csv)
    assert refused.status_code == 422
    problem = json.loads(refused.text.replace(api.resources.settings.public_url, DOCUMENTED_AT))
    return {"ImportOut.dry_run.json": told(tried), "ProblemBody.import_refused.json": problem}


def validate(api: Api, folder: Path) -> None:
    """Do a worker's work."""
    validate_submissions(
        api.engine,
        store=api.resources.store,
        validator=FakeValidator(),
        workspace_root=folder,
        limits=ValidationLimits(),
        now=utc_now(),
    )


def test_the_examples_are_what_the_api_takes_and_answers(api: Api, tmp_path: Path) -> None:
    answers = story(api, tmp_path)

    assert len(answers) == 13
    assert {name: plain(answer) for name, answer in answers.items()} == {name: plain(load(name)) for name in answers}


@pytest.mark.parametrize("name", REQUESTS)
def test_every_request_of_the_story_is_there(name: str) -> None:
    assert load(name)
    assert (EXAMPLES / name).read_text(encoding="utf8").endswith("}\n")


def test_the_examples_of_problems_name_the_page_of_their_code() -> None:
    examples = [load(path.name) for path in EXAMPLES.glob("ProblemBody.*.json")]

    assert len(examples) == 3
    assert [it["type"] for it in examples] == [f"urn:fabroute:problem:{it['code']}" for it in examples]
    assert [it["doc_url"] for it in examples] == [f"{DOCUMENTED_AT}/docs/errors/{it['code']}" for it in examples]
