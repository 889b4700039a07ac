"""Attributes of one element of a model part against its schema."""

from collections.abc import Callable, Mapping

from fabroute.integrations.validation.guard.markup import XML_NAMESPACE, XSI_NAMESPACE, Attributes, split_name
from fabroute.integrations.validation.guard.refusals import EXPORT_AGAIN, refuse, shown
from fabroute.integrations.validation.guard.schema import (
    CORE,
    LANGUAGE,
    PRODUCTION,
    PRODUCTION_ATTRIBUTES,
    Element,
    Kind,
)

PATH = "production path"
"""The key of the production extension's path among the values that ``checked`` returns."""


def checked(name: str, element: Element, attributes: Attributes, where: Callable[[], str]) -> dict[str, str]:
    """Return the values of an element's attributes; ``Refusal`` if one is missing, unknown or no value of its type.

    Attributes of namespaces that nobody here knows are left out: the schema admits them everywhere.
    """
    values: dict[str, str] = {}
    for key, value in zip(attributes[::2], attributes[1::2], strict=True):
        if " " in key:
            _take_foreign(name, element, key, value, values, where)
        else:
            _check(element, key, value, element.required.get(key) or element.optional.get(key), where)
            values[key] = value
    if missing := element.required.keys() - values.keys():
        refuse(
            "ATTRIBUTE_MISSING",
            f"<{element.local}> has no {' and no '.join(sorted(missing))}.",
            EXPORT_AGAIN,
            where=where(),
        )
    return values


def _take_foreign(
    name: str, element: Element, key: str, value: str, values: dict[str, str], where: Callable[[], str]
) -> None:
    namespace, local = split_name(key)
    known = _known_foreign(name, namespace)
    if known is None:
        return
    _check(element, key, value, known.get(local), where)
    values[f"production {local}" if namespace == PRODUCTION else key] = value


def _known_foreign(name: str, namespace: str) -> Mapping[str, Kind] | None:
    """Return the attributes that an element may have from a namespace that the specifications speak about."""
    if namespace == XML_NAMESPACE:
        return {"lang": LANGUAGE}
    if namespace in (XSI_NAMESPACE, CORE):
        return {}
    return PRODUCTION_ATTRIBUTES.get(name, {}) if namespace == PRODUCTION else None


def _check(element: Element, key: str, value: str, kind: Kind | None, where: Callable[[], str]) -> None:
    if kind is None:
        refuse("ATTRIBUTE_UNKNOWN", f"<{element.local}> can't have an attribute {shown(key)}.", where=where())
    if not kind.fits(value):
        refuse(
            "ATTRIBUTE_VALUE",
            f"{key.rpartition(' ')[2]} of <{element.local}> is {shown(value)}; it must be {kind.words}.",
            EXPORT_AGAIN,
            where=where(),
        )
