"""A small screen with a form of every kind, for tests of what all forms have in common."""

from datetime import datetime

from fastapi import Response
from jinja2 import Template

from fabroute.api.dependencies import Now, OrdersWriter, WriteSession
from fabroute.console.forms import FormIn, field_refused
from fabroute.console.rendering import ForPeople, templates
from fabroute.console.routes import console_router
from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditRecord, record_audit

PATH = "/console/a-screen"
SOURCE = """
{% extends "shell.html" %}
{% block title %}A screen{% endblock %}
{% block main %}
{{ page.heading("A screen", "With a form.", trail=(("Start", "/console/"), ("A screen", ""))) }}
{% call page.card() %}
{% call forms.form("/console/a-screen", form="note") %}
{{ forms.text("subject", "Subject", form="note", hint="In a few words.") }}
{{ forms.textarea("words", "Words", form="note", optional=true) }}
{{ forms.select("kind", "Kind", (("a", "First"), ("b", "Second")), form="note") }}
{{ forms.radios("pace", "Pace", (("slow", "Slow", "cheaper"), ("fast", "Fast", "")), value="slow", form="note") }}
{{ forms.checkbox("sure", "I am sure", form="note") }}
{{ forms.password("password", "Password", form="note") }}
{{ forms.submit("Send") }}
{% endcall %}
{{ forms.button("/console/a-screen", "At once", form="at-once", fields={"subject": "at once"}) }}
{% call forms.confirm("Remove…", "/console/a-screen", "remove", "Yes, remove it") %}
<p>It is gone then.</p>
<input type="hidden" name="subject" value="removed">{% endcall %}
{% endcall %}
{% endblock %}
"""

router = console_router()


def template() -> Template:
    """Return the template of the screen."""
    return templates().from_string(SOURCE)


@router.get("/a-screen")
def show_a_screen(console: ForPeople) -> Response:
    """Show the screen."""
    return console.page(template())


@router.post("/a-screen")
def take_a_note(console: ForPeople, caller: OrdersWriter, session: WriteSession, now: Now, form: FormIn) -> Response:
    """Keep a note on the audit log; one about nothing is refused after it was written, to see it undone."""
    subject = form.required("subject", "Say what it is about.")
    record_audit(session, entry=_note(caller, subject, now))
    if subject == "nothing":
        raise field_refused("subject", "Nothing is not enough.")
    return console.redirect(PATH, told=f"Kept: {subject}")


def _note(caller: Principal, subject: str, now: datetime) -> AuditRecord:
    return AuditRecord(
        organisation_id=caller.organisation_id,
        occurred_at=now,
        actor=caller.key_id,
        action="test.noted",
        subject_type="note",
        subject_id=subject,
    )
