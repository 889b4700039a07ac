"""The installation's signing key, as the settings name it."""

from fabroute.integrations.validation.signing import Ed25519Signer, open_signer
from fabroute.settings import Settings


def configured_signer(settings: Settings) -> Ed25519Signer:
    """Return the signer of releases; outside production its key is made when it is first needed.

    Raises ``SigningKeyMissing``, ``SigningKeyExposed`` and ``SigningKeyUnusable``.
    """
    return open_signer(settings.signing_key_file, create=settings.profile != "production")
