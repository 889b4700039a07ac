"""Sign in and out, by password, second factor or a provider; join by a link."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from fabroute.api.dependencies import Now, WriteSession
from fabroute.api.people.callers import people_of, signed_in
from fabroute.api.people.desk import Credentials, LetIn
from fabroute.api.people.hashing import SignInBusy
from fabroute.api.people.visitors import visitor_of
from fabroute.api.problems import refused as log_refusal
from fabroute.console.again import page_again
from fabroute.console.forms import Form, FormIn
from fabroute.console.navigation import HOME, landing_of
from fabroute.console.pages.errors import in_words
from fabroute.console.pages.sign_in import FirstStep, SecondStep, SignInPage, choices_in, seal_step, unseal_step
from fabroute.console.rendering import Console, ForAnybody
from fabroute.console.routes import console_router
from fabroute.console.typed import Typed, own_page, typed_from
from fabroute.identity.service.people import sessions
from fabroute.identity.service.people.emails import InvalidEmail
from fabroute.identity.service.people.passwords import PasswordUnacceptable
from fabroute.identity.service.people.second_factor import SecondFactorNeeded, SecondFactorRefused
from fabroute.identity.service.people.sessions import OpenSession
from fabroute.identity.service.people.signing_in import InvitationInvalid, SeveralAccounts, SignInRefused
from fabroute.identity.service.people.throttle import TooManyAttempts

router = console_router()

_TEMPLATE = "sign_in/sign_in.html"
_TOO_OLD = "That took more than five minutes. Start again with your address and password."
_EMPTY = "Enter your e-mail address and your password."
_NOT_YET = "You are not signed in yet. Your form is still kept."
_LONGEST = 500
_REFUSALS = (InvalidEmail, SignInBusy, SignInRefused, TooManyAttempts)
Next = Annotated[str, Query(max_length=2_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """One form of the sign-in page, as it was sent."""

    request: Request
    console: Console
    form: Form
    now: datetime

    @property
    def next(self) -> str:
        """The page that somebody was going to."""
        return own_page(self.form.text("next"))

    @property
    def typed(self) -> Typed:
        """The form of another page that is carried along."""
        return typed_from(self.form.text("typed"))


@router.get("/sign-in")
def show_sign_in(request: Request, console: ForAnybody, next: Next = "") -> Response:
    """Show the sign-in page; who is signed in already is led on."""
    if console.viewer.opened is not None:
        return console.redirect(own_page(next) or console.viewer.home)
    return _shown(request, console, SignInPage(next=own_page(next)))


@router.post("/sign-in")
async def sign_in(request: Request, console: ForAnybody, form: FormIn, now: Now) -> Response:
    """Sign somebody in and lead them on: to the page they asked for, or to the form that they had filled in."""
    attempt = _Attempt(request=request, console=console, form=form, now=now)
    if form.text("again"):
        return _again(attempt, "", status=200)
    step = _step(attempt)
    if step is None:
        return _again(attempt, _TOO_OLD)
    if not (step.email and step.password):
        return _again(attempt, _EMPTY, email=step.email, status=422)
    try:
        done = await run_in_threadpool(_let_in, attempt, step)
    except (SecondFactorNeeded, SecondFactorRefused) as refused:
        words = in_words(refused.code, refused.message) if isinstance(refused, SecondFactorRefused) else ""
        return _second_step(attempt, SecondStep(asks_for="code", sealed=_sealed(attempt, step)), words)
    except SeveralAccounts as refused:
        choices = choices_in(refused.details.get("organisations"))
        return _second_step(
            attempt, SecondStep(asks_for="organisation", sealed=_sealed(attempt, step), choices=choices), ""
        )
    except _REFUSALS as refused:
        await log_refusal(request, refused)
        return _again(attempt, in_words(refused.code, refused.message), email=step.email, status=refused.status)
    return await _led_on(attempt, done)


@router.post("/resume")
async def resume(request: Request, console: ForAnybody, form: FormIn, now: Now) -> Response:
    """Show a form again, filled in, to who has signed in elsewhere meanwhile: in another window, at a provider."""
    attempt = _Attempt(request=request, console=console, form=form, now=now)
    again = await page_again(request, attempt.typed, status=200) if attempt.typed.page else None
    return again or _again(attempt, _NOT_YET)


@router.post("/sign-out")
def sign_out(
    request: Request,
    console: ForAnybody,
    opened: Annotated[OpenSession, Depends(signed_in)],
    session: WriteSession,
    now: Now,
) -> Response:
    """Sign out here; other browsers stay signed in."""
    sessions.end_session_of(session, token=opened.token, now=now)
    room = people_of(request)
    room.sessions.forget(opened.token)
    response = console.redirect("/console/sign-in", told="You are signed out.")
    room.cookies.take(response, "session")
    return response


@router.get("/join")
def show_joining(request: Request, console: ForAnybody) -> Response:
    """Show where somebody who was invited chooses a password; the link's token is behind its ``#``."""
    return console.page("sign_in/join.html", notice="", token="", has_provider=_has_provider(request))


@router.post("/join")
def join(request: Request, console: ForAnybody, form: FormIn, now: Now) -> Response:
    """Let somebody in by their link, with the password that they chose."""
    token, room = form.text("token").rpartition("#")[2], people_of(request)
    password = form.fields.get("password", ("",))[-1][:_LONGEST]
    try:
        visitor = visitor_of(request, room.cookies)
        done = room.desk.accept(token=token[:_LONGEST], password=password, visitor=visitor, now=now)
    except (InvitationInvalid, PasswordUnacceptable, SignInBusy) as refused:
        return console.page(
            "sign_in/join.html",
            status=refused.status,
            notice=in_words(refused.code, refused.message),
            token=form.text("token"),
            has_provider=_has_provider(request),
        )
    response = console.redirect(landing_of(done.opened.principal), told="Welcome. You are signed in.")
    _give(request, response, done)
    return response


def _step(attempt: _Attempt) -> FirstStep | None:
    """Return what the attempt gives in the first step, or carries from it; ``None`` where that is too old."""
    form = attempt.form
    if not form.text("step"):
        password = form.fields.get("password", ("",))[-1]
        return FirstStep(email=form.text("email")[:_LONGEST], password=password[:_LONGEST])
    step = unseal_step(form.text("step"), sealer=people_of(attempt.request).sealer, now=attempt.now)
    chosen = form.text("organisation_id")
    return replace(step, organisation_id=chosen) if step is not None and chosen else step


def _sealed(attempt: _Attempt, step: FirstStep) -> str:
    return seal_step(step, sealer=people_of(attempt.request).sealer, now=attempt.now)


def _let_in(attempt: _Attempt, step: FirstStep) -> LetIn:
    room = people_of(attempt.request)
    credentials = Credentials(
        email=step.email,
        password=step.password,
        code=attempt.form.text("code")[:_LONGEST] or None,
        organisation_id=step.organisation_id,
    )
    return room.desk.sign_in(credentials, visitor=visitor_of(attempt.request, room.cookies), now=attempt.now)


async def _led_on(attempt: _Attempt, done: LetIn) -> Response:
    """Lead somebody on who is signed in: to their form, filled in, else to the page that they asked for."""
    typed, response = attempt.typed, None
    if typed.page:
        name = people_of(attempt.request).cookies.name("session")
        response = await page_again(attempt.request, typed, status=200, cookies={name: done.opened.token})
    if response is None:
        landing = landing_of(done.opened.principal)
        response = attempt.console.redirect(landing if attempt.next in ("", HOME) else attempt.next)
    _give(attempt.request, response, done)
    return response


def _give(request: Request, response: Response, done: LetIn) -> None:
    cookies = people_of(request).cookies
    cookies.give(response, "session", done.opened.token)
    cookies.give(response, "device", done.device)


def _again(attempt: _Attempt, words: str, *, email: str = "", status: int = 401) -> Response:
    page = SignInPage(typed=attempt.typed, next=attempt.next, notice=words, email=email)
    return _shown(attempt.request, attempt.console, page, status=status)


def _second_step(attempt: _Attempt, step: SecondStep, words: str) -> Response:
    page = SignInPage(step=step, typed=attempt.typed, next=attempt.next, notice=words)
    return _shown(attempt.request, attempt.console, page, status=401)


def _shown(request: Request, console: Console, page: SignInPage, *, status: int = 200) -> Response:
    return console.page(_TEMPLATE, status=status, it=replace(page, has_provider=_has_provider(request)))


def _has_provider(request: Request) -> bool:
    return people_of(request).openid.provider is not None
