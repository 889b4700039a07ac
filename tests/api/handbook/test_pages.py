"""The pages of the handbook: every problem, operation and event has its place, every link leads somewhere."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import httpx
import pytest

from fabroute.api.app import build_app
from fabroute.api.handbook.examples import example_of
from fabroute.api.handbook.pages import Handbook
from fabroute.api.handbook.quickstarts import NAMES
from fabroute.api.handbook.words import first_sentence, inline, markdown
from fabroute.webhooks.rules.catalogue import CATALOGUE
from tests.factories.api import Api

GENERIC = re.compile(r"\b(TODO|lorem|FIXME)\b", re.IGNORECASE)


class Page(HTMLParser):
    """The links, anchors and sources of a page."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.sources: set[str] = set()
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "href" and tag == "a":
                self.links.add(str(value))
            elif name == "id":
                self.anchors.add(str(value))
            elif name in ("src", "srcset") or (name == "href" and tag == "link"):
                self.sources.add(str(value))
        if tag in ("script", "img", "iframe"):
            self.sources.add(tag)


@pytest.fixture(scope="module")
def handbook() -> Handbook:
    return Handbook(build_app(None).openapi())


@pytest.fixture(scope="module")
def pages(handbook: Handbook) -> dict[str, str]:
    found = {
        "/docs": handbook.start(),
        "/docs/api": handbook.api(),
        "/docs/errors": handbook.errors(),
        "/docs/events": handbook.events(),
    }
    found |= {f"/docs/api/{tag.slug}": str(handbook.tag(tag.slug)) for tag in handbook.reference.tags}
    found |= {f"/docs/errors/{code}": str(handbook.error(code)) for code in handbook.problems}
    return found | {f"/docs/quickstart/{name}": str(handbook.quickstart(name)) for name in NAMES}


def broken(pages: dict[str, str]) -> Iterator[str]:
    """Yield the links within the handbook that lead nowhere."""
    read = {path: Page(content) for path, content in pages.items()}
    elsewhere = {"/openapi.json", "/docs/quickstart"}
    for path, page in read.items():
        for link in page.links:
            target, _, anchor = link.partition("#")
            target = target or path
            if target.startswith("https://") or target in elsewhere:
                continue
            if target not in read or (anchor and anchor not in read[target].anchors):
                yield f"{path} → {link}"


def test_every_link_and_anchor_leads_somewhere(pages: dict[str, str]) -> None:
    assert list(broken(pages)) == []
    assert list(broken({"/docs": '<a href="/docs/nowhere">x</a>'})) == ["/docs → /docs/nowhere"]


def test_no_page_asks_for_anything_from_elsewhere(pages: dict[str, str]) -> None:
    assert {source for content in pages.values() for source in Page(content).sources} == set()
    assert not any("url(" in content or "@import" in content for content in pages.values())


def test_every_operation_has_an_anchor_a_command_and_its_problems(handbook: Handbook, pages: dict[str, str]) -> None:
    for operation in handbook.reference.operations:
        (tag,) = (it for it in handbook.reference.tags if it.name == operation.tag)
        page = pages[f"/docs/api/{tag.slug}"]
        assert f'id="{operation.id}"' in page
        assert operation.command.startswith("curl")
        assert all(f"/docs/errors/{problem.code}" in page for problem in operation.problems)


def test_every_problem_has_a_page_that_helps(handbook: Handbook, pages: dict[str, str]) -> None:
    documented = {problem.code for operation in handbook.reference.operations for problem in operation.problems}

    assert documented <= set(handbook.problems)
    for code, page in handbook.problems.items():
        assert 10 < len(page.meaning) < 300, code
        assert page.meaning.endswith((".", "?", "!")), f"{code}: {page.meaning}"
        assert len(page.advice) > 40, code
        assert page.operations or code == "method_not_allowed" or code == "not_found", code
        assert code in pages[f"/docs/errors/{code}"]
    assert not any(GENERIC.search(content) for content in pages.values())


def test_every_event_is_shown_with_an_example(pages: dict[str, str]) -> None:
    anchors = Page(pages["/docs/events"]).anchors

    assert set(CATALOGUE) <= anchors
    assert pages["/docs/events"].count("<summary>Example</summary>") == len(CATALOGUE)


def test_an_example_has_the_form_of_its_schema() -> None:
    schemas = {
        "Money": {"type": "object", "properties": {"amount_minor": {"type": "integer"}, "currency": {"const": "EUR"}}},
        "Node": {"type": "object", "properties": {"child": {"$ref": "#/components/schemas/Node"}}},
    }
    schema = {
        "type": "object",
        "properties": {
            "price": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Money"}]},
            "states": {"type": "array", "items": {"enum": ["open", "done"]}},
            "order_id": {"type": "string"},
            "most": {"type": "integer", "minimum": 5},
            "at": {"type": "string", "format": "date"},
            "is_new": {"type": "boolean"},
            "named": {"type": "string", "examples": ["Ann"]},
        },
    }

    assert example_of(schema, schemas) == {
        "price": {"amount_minor": 1130, "currency": "EUR"},
        "states": ["open"],
        "order_id": "ord_01jz3v8c5h9m2n4p6q8r0s2t4v",
        "most": 5,
        "at": "2026-12-01",
        "is_new": True,
        "named": "Ann",
    }
    assert json.dumps(example_of(schemas["Node"], schemas)).count("child") == 5
    assert example_of({"$ref": "#/components/schemas/Gone"}, schemas) == "…"


def test_words_can_not_bring_html_of_their_own() -> None:
    assert markdown("<script>x</script>") == "<p>&lt;script&gt;x&lt;/script&gt;</p>\n"
    assert inline("a `b` <i>") == "a <code>b</code> &lt;i&gt;"
    assert first_sentence("Does `this`. And that.") == "Does <code>this</code>."


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/docs", "Build on fabroute"),
        ("/docs/api", "operations, each with"),
        ("/docs/api/orders", "/v1/orders/{order_id}"),
        ("/docs/errors", "quote_not_kept"),
        ("/docs/errors/rate_limited", "Retry-After"),
        ("/docs/events", "order.placed"),
        ("/docs/quickstart", "A shop that sells spare parts"),
        ("/docs/quickstart/bureau", "A print bureau"),
    ],
)
def test_pages_are_served_to_everyone_under_a_strict_policy(standing_api: Api, path: str, word: str) -> None:
    with standing_api.as_(None) as reader:
        answer = reader.get(path, follow_redirects=True)
        again = reader.get(path, headers={"If-None-Match": answer.headers["ETag"]}, follow_redirects=True)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert word in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert (again.status_code, again.content) == (304, b"")


def test_a_page_that_is_not_there_says_so(standing_api: Api) -> None:
    for path in ("/docs/errors/nothing", "/docs/api/nothing", "/docs/quickstart/nothing"):
        answer = standing_api.client.get(path)
        assert (answer.status_code, "There is no such page" in answer.text) == (404, True)


def test_a_problem_names_its_page(standing_api: Api) -> None:
    problem = standing_api.client.get("/v1/orders/ord_nothing").json()
    with httpx.Client(transport=httpx.HTTPTransport(uds=standing_api.socket), base_url="http://x") as reader:
        page = reader.get(httpx.URL(problem["doc_url"]).path)

    assert problem["doc_url"] == "http://127.0.0.1:8000/docs/errors/unknown_order"
    assert problem["type"] == "urn:fabroute:problem:unknown_order"
    assert page.status_code == 200
