"""Pages for what went wrong, in words for people."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptForm:
    """A form that could not be taken just now, to be sent again as it was."""

    action: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage:
    """What happened, what to do now, and the id to name when one asks for help."""

    status: int
    title: str
    advice: str
    detail: str
    code: str
    request_id: str
    again: str = ""
    """The page to open once more; empty where that would not help."""
    kept: KeptForm | None = None


@dataclass(frozen=True, slots=True)
class _Words:
    title: str
    advice: str


_WORDS: Mapping[int, _Words] = {
    400: _Words("This could not be read", "Go back, open the page anew and try again."),
    401: _Words("You are not signed in", "Sign in, then open the page again."),
    403: _Words("This is not yours to see or do", "Ask an admin of your organisation if you think it should be."),
    404: _Words("There is nothing here", "It may have been moved or removed, or the address has a typing error."),
    405: _Words("This can't be done here", "Go back and use the buttons of the page."),
    409: _Words("Something changed meanwhile", "Open the page again to see how it is now, then decide."),
    410: _Words("This is not good any more", "Ask whoever sent you here for a new link."),
    413: _Words("The file is too large", "Send a smaller one."),
    422: _Words("This could not be taken", "Go back, change what is named below and send it again."),
    429: _Words("Too much at once", "Wait a few seconds, then try again. Nothing was lost."),
    500: _Words(
        "This is our mistake", "Try again in a moment. If it stays, tell whoever runs this installation the id."
    ),
    503: _Words("Not available just now", "Try again in a moment: usually that is all it takes."),
}
_OVER_SOON = frozenset({429, 500, 503})
_REUSED = _Words("This form was sent already", "What it did is done. Open the page anew to send another one.")
_OF_OWNERS = _Words("This page is for those who order parts", "Go on where your own work is.")
_BY_CODE: Mapping[str, _Words] = {
    "idempotency_key_reused": _REUSED,
    "owners_page": _OF_OWNERS,
    "owners_only": _OF_OWNERS,
}
_DETAILS: Mapping[str, str] = {
    "csrf_token_invalid": "This page was opened before you signed in. Here it is anew: send it once more.",
    "missing_scope": "Your role does not allow this.",
    "owners_only": "This belongs to those who order parts.",
    "operator_only": "This is for the operator of this installation.",
    "idempotency_key_reused": "A form is taken once.",
    "idempotency_key_in_flight": "This form is being taken just now.",
    "not_found": "No page has this address.",
    "method_not_allowed": "This address takes no such request.",
    "too_busy": "More is asked of the server than it can answer in time.",
    "internal_error": "Something went wrong on the server that should not have.",
    "temporarily_unavailable": "The service is starting, or its database does not answer.",
    "quote_contended": "Others take what this offer needs just now. Nothing was ordered: send it once more.",
    "rate_limited": "Your organisation has asked for more within a minute than it may.",
}
"""What the API says to programs, said to people."""
_OTHERS = _Words("This did not work", "Go back and try again.")


def error_page(
    problem: Mapping[str, object], *, path: str = "", is_read: bool = False, kept: KeptForm | None = None
) -> ErrorPage:
    """Return the page for a problem (RFC 9457) as the API tells it: of a page at ``path``, or of a form."""
    status, code = int(str(problem["status"])), str(problem["code"])
    words = _BY_CODE.get(code) or _WORDS.get(status) or _OTHERS
    return ErrorPage(
        status=status,
        title=words.title,
        advice=words.advice,
        detail=in_words(code, str(problem["detail"])),
        code=code,
        request_id=str(problem["request_id"]),
        again=path if is_read and status in _OVER_SOON else "",
        kept=kept,
    )


def in_words(code: str, message: str) -> str:
    """Return what is the case in words for people: of a code's own, else the API's without what is for programs.

    ``you have no order ord_1: GET /v1/orders lists yours`` becomes ``You have no order ord_1.``
    """
    if code in _DETAILS:
        return _DETAILS[code]
    head, separator, tail = message.partition(": ")
    shown = head if separator and "/v1/" in tail else message
    return shown[:1].upper() + shown[1:] + ("" if shown.endswith((".", "!", "?")) else ".")
