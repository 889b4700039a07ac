"""The cookies that fabroute gives to browsers."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from fastapi import Request, Response

from fabroute.identity.service.people.sessions import ABSOLUTE

Kind = Literal["session", "device", "oidc"]
_LASTING: dict[Kind, timedelta] = {
    "session": ABSOLUTE,
    "device": timedelta(days=365),
    "oidc": timedelta(minutes=10),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookies:
    """Names and attributes of cookies, as the address of the installation allows.

    Where that is https they are ``Secure`` and begin with ``__Host-``: no other host of the domain can set them.
    """

    is_secure: bool

    def name(self, kind: Kind) -> str:
        """Return what a cookie is called."""
        return f"{'__Host-' if self.is_secure else ''}fabroute_{kind}"

    def read(self, request: Request, kind: Kind) -> str | None:
        """Return what a request brings, ``None`` without."""
        return request.cookies.get(self.name(kind)) or None

    def give(self, response: Response, kind: Kind, value: str) -> None:
        """Have the browser keep a cookie: scripts can't read it, other sites can't post with it."""
        seconds = int(_LASTING[kind].total_seconds())
        response.set_cookie(
            self.name(kind), value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=self.is_secure
        )

    def take(self, response: Response, kind: Kind) -> None:
        """Have the browser forget a cookie."""
        response.delete_cookie(self.name(kind), path="/", httponly=True, samesite="lax", secure=self.is_secure)
