"""Who is let in: a key with the scope that a route needs, or, where there are no keys, nobody but this machine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.requests import Request

from twinlens.errors import ServiceError
from twinlens.serving.service.keys import Keyring, Scope
from twinlens.serving.service.problems import NOT_ALLOWED, NOT_LOCAL, RATE_LIMITED, UNAUTHENTICATED, RefusalError
from twinlens.serving.service.rates import Allowance, RateLimiter
from twinlens.serving.service.settings import ServiceSettings

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")

# Headers by which a proxy says that it is one; also all that begin with x-forwarded-.
_OF_PROXIES = ("forwarded", "via", "x-real-ip")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        name: Of the key, or ``local`` where there are no keys.
        scopes: What they may.
    """

    name: str
    scopes: tuple[Scope, ...]


class Guard:
    """Lets requests in, before a byte of their body is read.

    Args:
        keyring: The keys.
        limiter: How often each caller may ask.
    """

    def __init__(self, keyring: Keyring, limiter: RateLimiter) -> None:
        self._keyring = keyring
        self._limiter = limiter

    def admit(self, request: Request, scope: Scope) -> Caller:
        """Who asks, if they may.

        Raises:
            RefusalError: They may not, or not now.
        """
        if self._keyring.is_open():
            _refuse_strangers(request)
            caller = Caller("local", tuple(Scope))
        else:
            caller = self._holder(request, scope)
        request.state.caller, request.state.scopes = caller.name, caller.scopes
        request.state.allowance = allowance = self._limiter.take(caller.name)
        if not allowance.granted:
            wait = math.ceil(allowance.wait)
            raise RefusalError(
                RATE_LIMITED,
                f"{caller.name} has asked too often.",
                f"Try again in {wait} s.",
                headers={"Retry-After": str(wait)},
            )
        return caller

    def rate_headers(self, allowance: Allowance) -> dict[str, str]:
        """What callers are told of how often they may ask, as in draft-ietf-httpapi-ratelimit-headers-10."""
        burst, rate = self._limiter.burst, self._limiter.rate
        return {
            "RateLimit-Policy": f'"key";q={burst};w={math.ceil(burst / rate)}',
            "RateLimit": f'"key";r={allowance.left};t={math.ceil(allowance.full)}',
        }

    def _holder(self, request: Request, scope: Scope) -> Caller:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        found = self._keyring.find(token.strip(), datetime.now(UTC)) if kind.lower() == "bearer" else None
        if found is None:
            raise RefusalError(
                UNAUTHENTICATED,
                "The key is missing, wrong, expired or revoked.",
                "Send it in the header Authorization: Bearer KEY.",
                headers={"WWW-Authenticate": 'Bearer realm="twinlens"'},
            )
        if scope not in found.scopes:
            request.state.caller = found.name
            raise RefusalError(
                NOT_ALLOWED,
                f"This takes a key with the scope {scope}; the scopes of {found.name} are {', '.join(found.scopes)}.",
                "Ask for another key.",
            )
        return Caller(found.name, found.scopes)


def refuse_others_without_keys(settings: ServiceSettings, keyring: Keyring) -> None:
    """See that nobody but this machine is served where there is no valid key.

    Raises:
        ServiceError: The address, a proxy or web pages from elsewhere would let others in.
    """
    now, keys = datetime.now(UTC), keyring.listed()
    if any(key.state(now) == "valid" for key in keys):
        return
    others = {
        f"{settings.host} is open to others": not _is_local(settings.host),
        "trusted_proxies lets others in": bool(settings.trusted_proxies),
        "cors_origins lets web pages in": bool(settings.cors_origins),
    }
    for how, applies in others.items():
        if applies:
            raise ServiceError(
                f"{keyring.path} has no valid key. Without one only this machine is served, and {how}.",
                "Make a key first: twinlens keys create NAME --scope read.",
            )


def refuse_lost_keys(settings: ServiceSettings, keyring: Keyring) -> None:
    """See that a file of keys that was named is there: where it went astray, nobody is to get in without a key.

    Raises:
        ServiceError: It is not.
    """
    if "keys" in settings.model_fields_set and keyring.is_missing():
        raise ServiceError(
            f"{keyring.path} is to hold the keys, and is not there.",
            f"Bring it back, or make a first key: twinlens keys create NAME --scope read --keys {keyring.path}.",
        )


def _refuse_strangers(request: Request) -> None:
    """Refuse what does not come from this machine, or comes from a web page that a browser on it shows."""
    headers = request.headers
    local = request.client is not None and _is_local(request.client.host) and _is_local(_host_name(headers))
    forwarded = any(name in _OF_PROXIES or name.startswith("x-forwarded-") for name in headers)
    from_a_page = headers.get("sec-fetch-site", "none") not in ("none", "same-origin") or not _of_same_origin(headers)
    if not local or forwarded or from_a_page:
        raise RefusalError(
            NOT_LOCAL,
            "This service has no keys, so it answers programs on its own machine only.",
            "Ask from there; or whoever runs it makes a key: twinlens keys create NAME --scope read.",
        )


def _host_name(headers: Headers) -> str:
    """The name that a request is addressed to, without its port; a foreign name may be made to lead to this machine."""
    host = headers.get("host", "")
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]


def _of_same_origin(headers: Headers) -> bool:
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == headers.get("host")


def _is_local(host: str) -> bool:
    if host.lower() in LOCAL_NAMES:
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
