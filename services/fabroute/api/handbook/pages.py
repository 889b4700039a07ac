"""The pages of the handbook, rendered from the OpenAPI document, the catalogue of events, and texts."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from http import HTTPStatus
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from fabroute.api.handbook import words
from fabroute.api.handbook.problems import ProblemPage, problem_pages
from fabroute.api.handbook.quickstarts import quickstarts, text_of
from fabroute.api.handbook.reference import Reference, slug_of
from fabroute.webhooks.rules.catalogue import CATALOGUE, EventType
from fabroute.webhooks.rules.examples import example_of

_STYLE = "handbook/handbook.css"
_TITLES: Mapping[int, str] = {413: "Content Too Large", 422: "Unprocessable Content"}


class Handbook:
    """All pages of one version of the API. What they share is read once."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.reference = Reference(document)
        self._templates = Environment(
            loader=PackageLoader("fabroute.api"), autoescape=True, trim_blocks=True, undefined=StrictUndefined
        )
        self._templates.filters |= {
            "first_sentence": words.first_sentence,
            "inline": words.inline,
            "markdown": words.markdown,
            "slug": slug_of,
        }

    @cached_property
    def problems(self) -> Mapping[str, ProblemPage]:
        """What there is to know about each code."""
        return problem_pages(self.reference.operations)

    @cached_property
    def style(self) -> Markup:
        """The style of all pages."""
        loader = self._templates.loader
        return Markup("" if loader is None else loader.get_source(self._templates, _STYLE)[0])

    @cached_property
    def policy(self) -> str:
        """What a browser may take into a page: its own style and nothing else."""
        digest = base64.b64encode(hashlib.sha256(self.style.encode()).digest()).decode()
        return (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )

    def start(self) -> str:
        """Return the first page."""
        known = [quickstarts()[name] for name in quickstarts()]
        return self._page("start", "/docs", quickstarts=known, words=words.markdown(text_of("start")))

    def api(self) -> str:
        """Return the list of all operations."""
        count = len(self.reference.operations)
        return self._page("api", "/docs/api", tags=self.reference.tags, count=count)

    def tag(self, slug: str) -> str | None:
        """Return the reference of a tag's operations, ``None`` where there is no such tag."""
        found = self.reference.tag(slug)
        return None if found is None else self._page("tag", "/docs/api", tag=found, tags=self.reference.tags)

    def errors(self) -> str:
        """Return the list of all problems."""
        ordered = sorted(self.problems.values(), key=lambda page: (page.status, page.code))
        groups = [
            (status, _title(status), list(pages)) for status, pages in groupby(ordered, key=lambda page: page.status)
        ]
        example = _problem(self.problems["unknown_part"])
        return self._page("errors", "/docs/errors", groups=groups, count=len(ordered), example=example)

    def error(self, code: str) -> str | None:
        """Return the page of a problem, ``None`` for a code that there is not."""
        found = self.problems.get(code)
        if found is None:
            return None
        return self._page("error", "/docs/errors", it=found, name=_title(found.status), example=_problem(found))

    def events(self) -> str:
        """Return the catalogue of events."""
        families = groupby(CATALOGUE.values(), key=lambda kind: kind.name.partition(".")[0])
        listed = [(family, [_event(kind) for kind in kinds]) for family, kinds in families]
        text = words.markdown(text_of("events"))
        return self._page("events", "/docs/events", families=listed, count=len(CATALOGUE), words=text)

    def quickstart(self, name: str) -> str | None:
        """Return a quickstart, ``None`` where there is none of that name."""
        found = quickstarts().get(name)
        if found is None:
            return None
        known: Sequence[object] = list(quickstarts().values())
        text = words.markdown(found.text)
        return self._page("quickstart", "/docs/quickstart", it=found, quickstarts=known, words=text)

    def missing(self) -> str:
        """Return what is shown where there is no page."""
        return self._page("missing", "")

    def _page(self, template: str, here: str, **values: object) -> str:
        page = self._templates.get_template(f"handbook/{template}.html")
        return page.render(style=self.style, version=self.reference.version, here=here, **values)


def _title(status: int) -> str:
    return _TITLES.get(status, HTTPStatus(status).phrase)


def _event(kind: EventType) -> Mapping[str, object]:
    return {
        "name": kind.name,
        "summary": kind.summary,
        "audience": " and ".join(kind.audiences),
        "version": kind.version,
        "example": json.dumps(example_of(kind.name), indent=2, ensure_ascii=False),
    }


def _problem(page: ProblemPage) -> str:
    """Return a problem as a program meets it."""
    body = {
        "type": f"urn:fabroute:problem:{page.code}",
        "title": _title(page.status),
        "status": page.status,
        "code": page.code,
        "detail": "What happened in your case, and what to do.",
        "doc_url": f"https://fabroute.example.com/docs/errors/{page.code}",
        "request_id": "req_01jz3v8c5h9m2n4p6q8r0s2t4v_17",
        "errors": [],
    }
    status = f"HTTP/1.1 {page.status} {_title(page.status)}\nContent-Type: application/problem+json"
    return f"{status}\n\n{json.dumps(body, indent=2)}"
