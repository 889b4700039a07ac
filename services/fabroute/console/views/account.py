"""What belongs to the person: password, second factor, where they are signed in; light or dark."""

from typing import Annotated

from fastapi import Depends, Request, Response

from fabroute.api.dependencies import Caller, Identifier, Now, ReadSession, WriteSession, work_of
from fabroute.api.people.callers import people_of, signed_in
from fabroute.api.people.visitors import visitor_of
from fabroute.console.forms import FormIn
from fabroute.console.pages.account import PATH, account_page, second_factor_page
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import console_router
from fabroute.console.shown_once import hand_over, handed_over, take_back
from fabroute.console.viewers import remember_scheme
from fabroute.identity.service.people import second_factor, sessions
from fabroute.identity.service.people.sessions import OpenSession

router = console_router()

_SECRET, _CODES = "second factor", "recovery codes"
_SETTING_UP, _KEEPING = f"{PATH}/second-factor", f"{PATH}/recovery-codes"
SignedIn = Annotated[OpenSession, Depends(signed_in)]


def confirmed_person(request: Request, opened: SignedIn, form: FormIn, now: Now) -> str:
    """Return the id of somebody who has typed their password once more, and rightly."""
    room = people_of(request)
    password = form.secret("present_password", "Enter your password.")
    visitor = visitor_of(request, room.cookies)
    account = room.desk.confirm_password(opened=opened, password=password, visitor=visitor, now=now)
    return account.person.person_id


Confirmed = Annotated[str, Depends(confirmed_person)]


@router.get("/account")
def show_account(console: ForPeople, opened: SignedIn, session: ReadSession, now: Now) -> Response:
    """Show who is signed in, and where."""
    person_id = opened.person.person_id
    found = sessions.list_sessions(session, person_id=person_id, now=now)
    left = second_factor.recovery_codes_left(session, person_id=person_id)
    shown = account_page(found, here=opened.session.session_id, codes_left=left)
    return console.page("account/account.html", it=shown)


@router.post("/account/password")
def change_password(request: Request, console: ForPeople, opened: SignedIn, form: FormIn, now: Now) -> Response:
    """Give somebody another password; they stay signed in here, and nowhere else."""
    room = people_of(request)
    done = room.desk.change_password(
        opened=opened,
        present=form.secret("present_password", "Enter the password that you have now."),
        new=form.secret("password", "Enter the password that you want."),
        visitor=visitor_of(request, room.cookies),
        now=now,
    )
    response = console.redirect(PATH, told="Your password is changed. Everywhere else you are signed out.")
    room.cookies.give(response, "session", done.token)
    return response


@router.post("/account/second-factor")
def begin_second_factor(
    request: Request, console: ForPeople, caller: Caller, person_id: Confirmed, now: Now
) -> Response:
    """Make the secret of a second factor, which counts for nothing until a code confirms it."""
    with work_of(request, caller) as session:
        sealer = people_of(request).sealer
        started = second_factor.start_second_factor(session, person_id=person_id, sealer=sealer)
    response = console.redirect(_SETTING_UP)
    hand_over(request, response, (started.secret, started.uri), what=_SECRET, person_id=person_id, now=now)
    return response


@router.get("/account/second-factor")
def show_second_factor(request: Request, console: ForPeople, opened: SignedIn, now: Now) -> Response:
    """Show the secret of a second factor that is being set up, in the browser where that was begun."""
    found = handed_over(request, what=_SECRET, person_id=opened.person.person_id, now=now)
    if not found:
        return console.redirect(f"{PATH}#second-factor", told="Begin with your password.", kind="note")
    secret, uri = found
    return console.page("account/second_factor.html", it=second_factor_page(secret, uri))


@router.post("/account/second-factor/confirmation")
def confirm_second_factor(
    request: Request, console: ForPeople, caller: Caller, opened: SignedIn, form: FormIn, now: Now
) -> Response:
    """Turn the second factor on with the first code that the app shows."""
    person_id, code = opened.person.person_id, form.required("code", "Enter the six digits that your app shows.")
    with work_of(request, caller) as session:
        codes = second_factor.confirm_second_factor(
            session, person_id=person_id, code=code, sealer=people_of(request).sealer, now=now
        )
    _forget(request, opened)
    response = console.redirect(_KEEPING, told="The second factor is on.")
    hand_over(request, response, codes, what=_CODES, person_id=person_id, now=now)
    return response


@router.post("/account/second-factor/removal")
def remove_second_factor(
    request: Request, console: ForPeople, caller: Caller, opened: SignedIn, person_id: Confirmed, now: Now
) -> Response:
    """Turn the second factor off; the recovery codes are void."""
    with work_of(request, caller) as session:
        second_factor.remove_second_factor(session, person_id=person_id, now=now)
    _forget(request, opened)
    return console.redirect(PATH, told="The second factor is off: your password alone lets you in.", kind="note")


@router.post("/account/recovery-codes")
def renew_recovery_codes(
    request: Request, console: ForPeople, caller: Caller, person_id: Confirmed, now: Now
) -> Response:
    """Make new recovery codes; those before are void."""
    with work_of(request, caller) as session:
        codes = second_factor.renew_recovery_codes(session, person_id=person_id, now=now)
    response = console.redirect(_KEEPING, told="Here are new codes. Those you had are void.")
    hand_over(request, response, codes, what=_CODES, person_id=person_id, now=now)
    return response


@router.get("/account/recovery-codes")
def show_recovery_codes(request: Request, console: ForPeople, opened: SignedIn, now: Now) -> Response:
    """Show new recovery codes, in the browser where they were made, until they are kept or ten minutes are over."""
    codes = handed_over(request, what=_CODES, person_id=opened.person.person_id, now=now)
    if not codes:
        return console.redirect(PATH, told="Recovery codes are shown once. You can have new ones made.", kind="note")
    return console.page("account/recovery_codes.html", codes=codes)


@router.post("/account/recovery-codes/kept")
def note_codes_are_kept(console: ForPeople) -> Response:
    """Show the recovery codes no more."""
    response = console.redirect(PATH)
    take_back(response)
    return response


@router.post("/account/sessions/{session_id}/end")
def end_session(
    console: ForPeople, opened: SignedIn, session: WriteSession, now: Now, session_id: Identifier
) -> Response:
    """Sign out of another browser, such as that of a laptop that was lost."""
    sessions.end_session(session, person_id=opened.person.person_id, session_id=session_id, now=now)
    return console.redirect(f"{PATH}#sessions", told="You are signed out there.")


@router.post("/account/sessions/end-others")
def end_other_sessions(console: ForPeople, opened: SignedIn, session: WriteSession, now: Now) -> Response:
    """Sign out everywhere but here."""
    person_id = opened.person.person_id
    found = sessions.list_sessions(session, person_id=person_id, now=now)
    others = [it.session_id for it in found if it.session_id != opened.session.session_id]
    for session_id in others:
        sessions.end_session(session, person_id=person_id, session_id=session_id, now=now)
    return console.redirect(f"{PATH}#sessions", told="You are signed out everywhere but here.")


@router.post("/preferences")
def change_preferences(console: ForPeople, form: FormIn) -> Response:
    """Keep whether somebody likes it light or dark, and show the page again that they were on."""
    response = console.redirect(form.text("page"))
    remember_scheme(response, form.text("scheme"), is_secure=console.is_secure)
    return response


def _forget(request: Request, opened: OpenSession) -> None:
    """Have the next page see the person as they are now."""
    people_of(request).sessions.forget(opened.token)
