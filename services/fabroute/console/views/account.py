"""What belongs to the person: who they are here, light or dark."""

from fastapi import Response

from fabroute.console.forms import FormIn
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import console_router
from fabroute.console.viewers import remember_scheme

router = console_router()


@router.get("/account")
def show_account(console: ForPeople) -> Response:
    """Show who is signed in and what they may do."""
    return console.page("account.html")


@router.post("/preferences")
def change_preferences(console: ForPeople, form: FormIn) -> Response:
    """Keep whether somebody likes it light or dark, and show the page again that they were on."""
    response = console.redirect(form.text("page"))
    remember_scheme(response, form.text("scheme"), is_secure=console.is_secure)
    return response
