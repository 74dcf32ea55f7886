"""Failures of calls to AWS, as errors with a code and advice."""

from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)

from muster.domain.errors import MusterError, StageRefused, StageUnreachable

_BAD_CREDENTIALS: Final = frozenset(
    {
        *("ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidToken"),
        *("InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException"),
        *("SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"),
    }
)
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})
_MISSING: Final = frozenset({"ResourceNotFoundException", "NoSuchBucket"})
_TEMPORARY: Final = frozenset(
    {
        *("Throttling", "ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"),
        *("SlowDown", "RequestTimeout", "RequestTimeTooSkewed", "TransactionInProgressException"),
    }
)
"""Codes below HTTP status 500 after which a later attempt can succeed; the SDK has retried before."""

_SERVER_ERROR = 500
_SIGN_IN: Final = "sign in again, for example with `aws sso login`, and check AWS_PROFILE and AWS_REGION."


def stage_failure(error: BaseException) -> MusterError | None:
    """Return the failure of a call to AWS as `StageRefused` or `StageUnreachable`, or None for any other error."""
    match error:
        case ClientError():
            return _refused(error)
        case NoCredentialsError() | PartialCredentialsError() | SSOError() | TokenRetrievalError():
            return StageRefused(f"There are no valid AWS credentials: {_SIGN_IN}")
        case NoRegionError():
            return StageRefused("No AWS region is set: set AWS_REGION to the region of the stage.")
        case HTTPClientError():
            return StageUnreachable(
                "AWS cannot be reached: check the network connection and AWS_REGION, then run the command again."
            )
        case BotoCoreError():
            return StageRefused(f"The AWS settings cannot be used ({type(error).__name__}): {error}")
    return None


def _refused(error: ClientError) -> MusterError:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    call = f"{error.operation_name}: {code}"
    if code in _BAD_CREDENTIALS:
        return StageRefused(f"AWS does not accept the credentials ({call}): {_SIGN_IN}")
    if code in _DENIED:
        return StageRefused(
            f"Your AWS credentials may not do this ({call}): docs/operations.md lists the permissions of an operator."
        )
    if code in _MISSING:
        return StageRefused(
            f"The table or bucket does not exist in this account and region ({call}): check MUSTER_TABLE, "
            "MUSTER_PHOTOS_BUCKET, MUSTER_MODELS_BUCKET, AWS_REGION and AWS_PROFILE."
        )
    if status >= _SERVER_ERROR or code in _TEMPORARY:
        return StageUnreachable(f"AWS cannot answer now ({call}): run the command again in a few minutes.")
    return StageRefused(f"AWS refused a call ({call}): {error.response.get('Error', {}).get('Message', '')}")
