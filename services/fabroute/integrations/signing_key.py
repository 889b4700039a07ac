"""The installation's signing key, as the settings name it."""

from fabroute.integrations.validation.signing import Ed25519Signer, SigningKeyMissing, open_signer
from fabroute.settings import Settings


def configured_signer(settings: Settings) -> Ed25519Signer:
    """Return the signer of releases; outside production its key is made when it is first needed.

    Raises ``SigningKeyMissing``, ``SigningKeyExposed`` and ``SigningKeyUnusable``.
    """
    path = settings.signing_key_file
    if settings.profile == "production" and not path.exists():
        raise SigningKeyMissing(
            f"there is no signing key at {path}: make one with `fabroute keys signing`, or set "
            "FABROUTE_SIGNING_KEY_FILE to the key of this installation"
        )
    return open_signer(path, create=settings.profile != "production")
