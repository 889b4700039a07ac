"""What somebody typed into a form that could not be taken: shown again, filled in, with what was wrong."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from fabroute.console.forms import MOST_BYTES, OWN_FIELDS, Form

_SECRETS = ("password", "secret", "recovery", "token")
_PREFIX = "/console/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The fields of a form by name, and the page that it stands on. Never a password."""

    page: str = ""
    form: str = ""
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    """What is wrong, by field; under the empty name what is wrong with all of it."""
    is_resumed: bool = False
    """Whether the session had ended when the form was sent, so that nothing was done yet."""

    def is_of(self, form: str) -> bool:
        """Tell whether it is what was typed into this form of the page."""
        return bool(self.page) and self.form == form

    def value(self, form: str, name: str, default: object = "") -> str:
        """Return what a field of a form shows: what was typed, else ``default``."""
        shown = "" if default is None else str(default)
        return self.fields.get(name, ("",))[-1] if self.is_of(form) and name in self.fields else shown

    def is_chosen(self, form: str, name: str, value: object, *, default: bool = False) -> bool:
        """Tell whether a checkbox or radio button is on."""
        return str(value) in self.fields.get(name, ()) if self.is_of(form) else default

    def problem(self, form: str, name: str) -> str:
        """Return what is wrong with a field of a form, empty where nothing is."""
        return self.problems.get(name, "") if self.is_of(form) else ""

    def as_text(self) -> str:
        """Return it as a hidden field takes it."""
        return json.dumps({"page": self.page, "form": self.form, "fields": self.fields}, ensure_ascii=False)


NOTHING_TYPED = Typed()


def typed_in(form: Form, *, problems: Mapping[str, str] | None = None) -> Typed:
    """Return what was typed into a form, nothing where it does not say which page it stands on."""
    page = own_page(form.text("page"))
    kept = {name: values for name, values in form.fields.items() if name not in OWN_FIELDS and not is_secret(name)}
    return (
        Typed(page=page, form=form.text("form_name"), fields=kept, problems=problems or {}) if page else NOTHING_TYPED
    )


def typed_from(text: str) -> Typed:
    """Return what a hidden field carried along; nothing where it is not what this console wrote."""
    try:
        found = json.loads(text) if 0 < len(text) <= 2 * MOST_BYTES else {}
        fields = {str(name): tuple(str(it) for it in values) for name, values in found.get("fields", {}).items()}
        page = own_page(str(found.get("page", "")))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return NOTHING_TYPED
    return Typed(page=page, form=str(found.get("form", "")), fields=fields, is_resumed=True) if page else NOTHING_TYPED


def own_page(path: str) -> str:
    """Return a path if it is one of this console's, else nothing: nobody is led away from here."""
    is_plain = path.isascii() and path.isprintable() and "\\" not in path and "//" not in path and ".." not in path
    return path if is_plain and path.startswith(_PREFIX) else ""


def is_secret(name: str) -> bool:
    """Tell whether a field holds what no page shows again. The forms' own token is for their person's eyes alone."""
    return name not in OWN_FIELDS and any(word in name.lower() for word in _SECRETS)
