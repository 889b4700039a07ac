"""Refusals that only the HTTP side knows; those of the contexts come with their own code and status."""

from fabroute.kernel.errors import DomainError


class MalformedJson(DomainError):
    """The body is not JSON."""

    code = "malformed_json"
    status = 400


class IdempotencyKeyMissing(DomainError):
    """The request needs a header ``Idempotency-Key``."""

    code = "idempotency_key_missing"
    status = 400


class IdempotencyKeyInvalid(DomainError):
    """The ``Idempotency-Key`` is too long or holds something else than visible ASCII characters."""

    code = "idempotency_key_invalid"
    status = 400


class ContentDigestInvalid(DomainError):
    """The header ``Content-Digest`` holds no SHA-256 as RFC 9530 writes it."""

    code = "content_digest_invalid"
    status = 400


class UploadInterrupted(DomainError):
    """The connection ended before the file did; nothing was kept."""

    code = "upload_interrupted"
    status = 400


class NodeNotYours(DomainError):
    """Only a node's own organisation and the operator may change it."""

    code = "node_not_yours"
    status = 403


class OperatorOnly(DomainError):
    """Only the operator of this installation may see or do this."""

    code = "operator_only"
    status = 403


class OwnersOnly(DomainError):
    """Only owners of parts, and the operator: their orders, routes and papers, and what other nodes would charge."""

    code = "owners_only"
    status = 403


class RouteNotFound(DomainError):
    """There is nothing at this path."""

    code = "not_found"
    status = 404


class MethodNotAllowed(DomainError):
    """The path is there, but not for this method."""

    code = "method_not_allowed"
    status = 405


class UploadTooSlow(DomainError):
    """The file came in too slowly; nothing was kept."""

    code = "upload_too_slow"
    status = 408


class IdempotencyKeyInFlight(DomainError):
    """A request with the same key is being answered just now."""

    code = "idempotency_key_in_flight"
    status = 409


class BodyTooLarge(DomainError):
    """The body is larger than this installation takes."""

    code = "body_too_large"
    status = 413


class UnsupportedMediaType(DomainError):
    """The body is not sent as what this operation reads."""

    code = "unsupported_media_type"
    status = 415


class ValidationFailed(DomainError):
    """Fields can't be taken; ``code`` is more precise where all of them fail for the same reason."""

    code = "validation_failed"
    status = 422


class FileNameInvalid(ValidationFailed):
    """The name of the file is too long or holds control characters."""

    code = "file_name_invalid"


class EmptyUpload(DomainError):
    """The body holds no file."""

    code = "empty_upload"
    status = 422


class ContentDigestMismatch(DomainError):
    """What came in is not what ``Content-Digest`` says: it changed on its way."""

    code = "content_digest_mismatch"
    status = 422


class QuantityOutOfRange(ValidationFailed):
    """A quantity is not a whole number in its range."""

    code = "quantity_out_of_range"


class UnsupportedCurrency(ValidationFailed):
    """An amount in another currency than EUR."""

    code = "unsupported_currency"


class IdempotencyKeyReused(DomainError):
    """The key belongs to a request with another body."""

    code = "idempotency_key_reused"
    status = 422


class NeedByOutOfRange(DomainError):
    """The order is needed in the past, or more than ten years from now."""

    code = "need_by_out_of_range"
    status = 422


class UnknownTag(DomainError):
    """``If-Match`` names a tag that was never given out."""

    code = "unknown_tag"
    status = 412


class PreconditionRequired(DomainError):
    """The change needs ``If-Match`` with the version that the client has seen."""

    code = "precondition_required"
    status = 428


class IntakeFull(DomainError):
    """More orders wait for the database than it can store in time."""

    code = "intake_full"
    status = 429


class UploadsBusy(DomainError):
    """This process takes as many uploads as it can."""

    code = "uploads_busy"
    status = 429


class InternalError(DomainError):
    """A mistake of ours."""

    code = "internal_error"
    status = 500


class TemporarilyUnavailable(DomainError):
    """The database does not answer, or this process is stopping."""

    code = "temporarily_unavailable"
    status = 503
