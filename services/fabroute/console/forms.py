"""What a form sends: its fields and files, and the way of CSRF token and idempotency key to where the API looks."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, TypeVar
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile

from fabroute.api.bodies import read_at_most
from fabroute.api.contract.routes import read_again
from fabroute.api.errors import BodyTooLarge, MalformedJson, ValidationFailed
from fabroute.api.people.callers import CSRF_HEADER
from fabroute.console.csrf import unmasked
from fabroute.kernel.errors import DomainError, FieldProblem

Chosen = TypeVar("Chosen", bound=str)
MOST_BYTES = 262_144
"""Of a form without files."""
_MOST_FIELDS = 500
_LONGEST_SECRET = 1_024
_MOST_FILES = 20
_MOST_DIGITS = 12
_BUTTONS = "answer"
"""The name of buttons where a form has several."""
_CSRF, _KEY = "csrf_token", "idempotency_key"
_CSRF_NAME = CSRF_HEADER.lower().encode()
OWN_FIELDS = frozenset({_CSRF, _KEY, "page", "form_name"})
"""What the macros put into every form, and nobody typed."""
_MULTIPART = "multipart/form-data"


class ForeignForm(DomainError):
    """The form was sent by a page of another site."""

    code = "foreign_form"
    status = 403


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form as it was sent. What is wrong with a field is told at that field."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, UploadFile] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """Return a field without spaces around it, ``default`` where it is empty or not there."""
        return (self.fields.get(name, ("",))[-1]).strip() or default

    def required(self, name: str, words: str) -> str:
        """Return a field; ``ValidationFailed`` with ``words`` at the field where it is empty."""
        found = self.text(name)
        if not found:
            raise field_refused(name, words)
        return found

    def secret(self, name: str, words: str) -> str:
        """Return a password with all its spaces; ``ValidationFailed`` with ``words`` at the field without one."""
        found = self.fields.get(name, ("",))[-1][:_LONGEST_SECRET]
        if not found:
            raise field_refused(name, words)
        return found

    def whole_number(self, name: str, *, least: int = 0, most: int = 1_000_000) -> int:
        """Return a whole number; ``ValidationFailed`` at the field where it is none in the range."""
        found = self.text(name)
        digits = (found.lstrip("0") or "0") if found.isascii() and found.isdecimal() else ""
        if not digits or len(digits) > _MOST_DIGITS or not least <= int(digits) <= most:
            raise field_refused(name, f"Enter a whole number from {least:,} to {most:,}.")
        return int(digits)

    def chosen(self, name: str, choices: Collection[Chosen], words: str) -> Chosen:
        """Return which of some answers was given; ``ValidationFailed`` with ``words`` where none of them was.

        What buttons answer belongs to no field: it is told above the form.
        """
        found = next((it for it in choices if it == self.text(name)), None)
        if found is None:
            raise field_refused("" if name == _BUTTONS else name, words)
        return found

    def several(self, name: str) -> tuple[str, ...]:
        """Return all values of a field with several, such as checkboxes."""
        return tuple(value for value in self.fields.get(name, ()) if value)

    def is_checked(self, name: str) -> bool:
        """Tell whether a checkbox was."""
        return bool(self.text(name))


NO_FORM = Form()


def field_refused(name: str, words: str) -> ValidationFailed:
    """Return the refusal of one field, to be raised: the form is shown again with ``words`` at the field."""
    return ValidationFailed(words, problems=(FieldProblem(pointer=f"/{name}", message=words),))


async def get_form(request: Request) -> Form:
    """Return the form of a request, empty where it has none."""
    return form_of(request)


def form_of(request: Request) -> Form:
    """Return the form that was read for a request, empty before."""
    found: Form = getattr(request.state, "form", NO_FORM)
    return found


FormIn = Annotated[Form, Depends(get_form)]


async def with_form(request: Request) -> Request:
    """Return a request whose form was read, as the API's own code takes it.

    CSRF token and idempotency key stand in hidden fields, because pages without scripts can't send headers: here they
    become the headers that the API checks. Raises ``ForeignForm``, ``BodyTooLarge``, ``MalformedJson``.
    """
    require_same_site(request)
    if request.headers.get("Content-Type", "").startswith(_MULTIPART):
        request.state.form = await _parts(request)
        return _with_headers(request, request.state.form, keyed=False)
    content = await read_at_most(request, MOST_BYTES)
    request.state.form = form_in(content)
    again = Request(request.scope, read_again(content, request.receive))
    return _with_headers(again, request.state.form, keyed=True)


def form_in(content: bytes) -> Form:
    """Return the form that a body holds, as browsers send one without files; ``MalformedJson`` where it is none."""
    return Form(fields=_fields(content))


def require_same_site(request: Request) -> None:
    """Raise ``ForeignForm`` for what a page of another site has the browser send."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin")
    is_own = origin is None or urlsplit(origin).netloc == request.headers.get("Host", "")
    if site not in ("same-origin", "none") or not is_own:
        raise ForeignForm("this form was not sent from a page of this console: open the page here and send it again")


def _fields(content: bytes) -> Mapping[str, tuple[str, ...]]:
    try:
        pairs = parse_qsl(content.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise MalformedJson("the form could not be read: go back, open the page anew and send it again") from None
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        found[name] = (*found.get(name, ()), value.replace("\x00", ""))
    return found


async def _parts(request: Request) -> Form:
    limit: int = request.app.state.resources.settings.max_upload_bytes
    declared = request.headers.get("Content-Length", "")
    if not declared.isdecimal() or int(declared) > limit:
        raise BodyTooLarge(f"the file is larger than {limit // 1_000_000:,} MB: send a smaller one")
    data: FormData = await request.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS)
    files = {name: value for name, value in data.multi_items() if isinstance(value, UploadFile)}
    texts: dict[str, tuple[str, ...]] = {}
    for name, value in data.multi_items():
        if isinstance(value, str):
            texts[name] = (*texts.get(name, ()), value.replace("\x00", ""))
    return Form(fields=texts, files=files)


def _with_headers(request: Request, form: Form, *, keyed: bool) -> Request:
    """Return the request with the headers that the API checks: the token of the form, or of a script, unmasked."""
    headers = [it for it in request.scope["headers"] if it[0] != _CSRF_NAME]
    found = {CSRF_HEADER: unmasked(request.headers.get(CSRF_HEADER, "") or form.text(_CSRF))}
    if keyed and "Idempotency-Key" not in request.headers:
        found["Idempotency-Key"] = form.text(_KEY)
    added = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in found.items() if value]
    request.scope["headers"] = [*headers, *added]
    return Request(request.scope, request.receive)
