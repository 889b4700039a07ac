"""The installation's public key over the wire."""

from typing import Literal

from pydantic import Field

from fabroute.api.schemas.base import ResponseModel


class SigningKeyOut(ResponseModel):
    """The key that signatures of releases are checked with."""

    algorithm: Literal["Ed25519"] = "Ed25519"
    public_key: str = Field(description="Its 32 bytes in base64.")
