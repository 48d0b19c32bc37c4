"""What Stripe answers when it refuses, in the words its clients look for.

status  type                    code
400     invalid_request_error   parameter_unknown, parameter_missing, resource_missing …
400     idempotency_error       -
401     invalid_request_error   -
403     invalid_request_error   -
404     invalid_request_error   resource_missing; none for an address that leads nowhere
409     invalid_request_error   idempotency_key_in_use
429     invalid_request_error   rate_limit
500     api_error               -
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

_INVALID = "invalid_request_error"


class StripeError(Exception):
    """A request that is not answered as asked.

    Attributes:
        status: The HTTP status.
        headers: Beside those every answer has.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = _INVALID,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        given = {"code": code, "message": message, "param": param, "type": kind}
        self.content = {name: value for name, value in given.items() if value is not None}

    def to_bytes(self) -> bytes:
        """Return the body."""
        return msgspec.json.encode({"error": self.content})


def no_key() -> StripeError:
    """Refuse a request without a key."""
    return StripeError(
        401,
        "You did not provide an API key. Provide it in the Authorization header, as in "
        "'Authorization: Bearer YOUR_SECRET_KEY'.",
    )


def wrong_key(secret: str) -> StripeError:
    """Refuse a key that is none of this account."""
    return StripeError(401, f"Invalid API Key provided: {masked(secret)}")


def not_permitted(secret: str, account: str, permission: str) -> StripeError:
    """Refuse a restricted key, naming the permission it lacks."""
    return StripeError(
        403,
        f"The provided key '{masked(secret)}' does not have the required permissions for "
        f"this endpoint on account '{account}'. Having the '{permission}' permission "
        "would allow this request to continue.",
    )


def other_account(secret: str, account: str) -> StripeError:
    """Refuse a key that has no access to the account asked for."""
    return StripeError(
        403,
        f"The provided key '{masked(secret)}' does not have access to account "
        f"'{account}' (or that account does not exist). Application access may have been "
        "revoked.",
        code="account_invalid",
    )


def unknown_version(version: str) -> StripeError:
    """Refuse an API version that never was."""
    return StripeError(400, f"Invalid Stripe API version: {version}")


def unknown_address(method: str, path: str) -> StripeError:
    """Refuse an address that leads nowhere."""
    return StripeError(404, f"Unrecognized request URL ({method}: {path}).")


def unsupported(method: str, path: str) -> StripeError:
    """Refuse what Stripe does and this simulator does not."""
    return StripeError(404, f"The simulator does not support this: {method} {path}.")


def no_such(name: str, object_id: str, *, param: str, status: int = 404) -> StripeError:
    """Refuse an id that names nothing."""
    return StripeError(
        status, f"No such {name}: '{object_id}'", code="resource_missing", param=param
    )


def unknown_parameter(name: str) -> StripeError:
    """Refuse a parameter the resource does not know."""
    message = f"Received unknown parameter: {name}"
    return StripeError(400, message, code="parameter_unknown", param=name)


def missing_parameter(name: str) -> StripeError:
    """Refuse a request that lacks what it needs."""
    message = f"Missing required param: {name}."
    return StripeError(400, message, code="parameter_missing", param=name)


def invalid_integer(name: str, value: str) -> StripeError:
    """Refuse a word where a whole number belongs."""
    message = f"Invalid integer: {value}"
    return StripeError(400, message, code="parameter_invalid_integer", param=name)


def invalid_object(name: str) -> StripeError:
    """Refuse a word where keys and values belong."""
    return StripeError(400, "Invalid object", param=name)


def not_expandable(name: str, *, in_list: bool) -> StripeError:
    """Refuse to expand what is no reference."""
    hint = f" You may want to try expanding 'data.{name}' instead." if in_list else ""
    return StripeError(
        400, f"This property cannot be expanded ({name}).{hint}", param="expand"
    )


def expanded_too_far(path: str, levels: int) -> StripeError:
    """Refuse a path of too many steps."""
    message = f"You cannot expand more than {levels} levels of a property ({path})."
    return StripeError(400, message, param="expand")


def key_used_otherwise(key: str) -> StripeError:
    """Refuse an idempotency key that came with another request."""
    return StripeError(
        400,
        "Keys for idempotent requests can only be used with the same parameters they "
        f"were first used with. Try using a key other than '{key}' if you meant to "
        "execute a different request.",
        kind="idempotency_error",
    )


def key_in_use(key: str) -> StripeError:
    """Refuse an idempotency key whose first request is still under way."""
    return StripeError(
        409,
        f"There is currently another in-progress request using this idempotency key: {key}",
        code="idempotency_key_in_use",
        headers={"Stripe-Should-Retry": "true"},
    )


def too_many(retry_after_s: float | None) -> StripeError:
    """Refuse for now, and say when to come again."""
    headers = {
        "Stripe-Should-Retry": "true",
        "Stripe-Rate-Limited-Reason": "global-rate",
    }
    if retry_after_s is not None:
        headers["Retry-After"] = f"{retry_after_s:g}"
    return StripeError(
        429,
        "Request rate limit exceeded. You can learn more about rate limits here "
        "https://docs.stripe.com/rate-limits.",
        code="rate_limit",
        headers=headers,
    )


def broken() -> StripeError:
    """Answer as a server that failed."""
    return StripeError(
        500,
        "Sorry! There was an error while talking to Stripe. Try again later.",
        kind="api_error",
    )


def masked(secret: str) -> str:
    """Return a key as Stripe repeats it: its kind, stars, and its last four letters."""
    kind = "_".join(secret.split("_")[:2]) + "_" if secret.count("_") > 1 else ""
    return f"{kind}{'*' * max(0, len(secret) - len(kind) - 4)}{secret[-4:]}"
