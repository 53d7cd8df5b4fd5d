"""Who is calling."""

from dataclasses import dataclass, field

from tianji_app.use_cases.key_cache import KeyCache
from tianji_core.access.guessing import Guesses
from tianji_core.access.keys import VirtualKey, check_form, hash_key
from tianji_core.access.master import MasterKey
from tianji_core.access.principal import Principal
from tianji_core.errors import AuthenticationError, PermissionDeniedError, RateLimitedError, UnknownKeyError
from tianji_core.ports.clock import Clock

_ADMIN = Principal(role="proxy_admin")
_METRICS = Principal(role="metrics")


@dataclass(slots=True)
class Authenticate:
    """Turn a credential into a principal, cheapest test first; what cannot be a key never reaches the store.

    Attributes:
        metrics_token: Kept as the master key is; opens `/metrics` only.
    """

    keys: KeyCache
    master: MasterKey
    clock: Clock
    metrics_token: MasterKey | None = None
    guesses: Guesses = field(default_factory=Guesses)

    async def __call__(self, credential: str | None, *, address: str | None = None) -> Principal:
        """Return the caller.

        Args:
            address: Where the call comes from; an address that was wrong too often must wait before the store is asked again.

        Raises:
            AuthenticationError: no credential, a malformed or (UnknownKeyError) an unknown one, or (`expired_key`) an expired one.
            PermissionDeniedError: (`key_blocked`).
            RateLimitedError: the address guesses.
            DependencyUnavailableError: (`auth_unavailable`) the store is away and the key is not remembered.
        """
        if not credential:
            raise AuthenticationError("the request has no API key", hint="send it as `Authorization: Bearer sk-…`")
        if self.master.matches(credential):
            return _ADMIN
        if self.metrics_token is not None and self.metrics_token.matches(credential):
            return _METRICS
        key = await self._find(check_form(credential), address)
        self._check_state(key)
        return Principal(role="key", key=key)

    async def _find(self, text: str, address: str | None) -> VirtualKey:
        key_hash = hash_key(text)
        source = address or ""
        is_new = not self.keys.remembers(key_hash)
        if is_new and self.guesses.must_wait(source, now=self.clock.monotonic()):
            raise RateLimitedError("too many unknown API keys came from this address", retry_after_seconds=1)
        key = await self.keys.find(key_hash)
        if key is None:
            if is_new:  # repeating one wrong key costs nobody a look-up, and must not lock out its neighbours
                self.guesses.failed(source, now=self.clock.monotonic())
            raise UnknownKeyError("the API key is unknown", hint="it may have been deleted; ask for a new one")
        return key

    def _check_state(self, key: VirtualKey) -> None:
        if key.expires_at_ns is not None and self.clock.now_ns() >= key.expires_at_ns:
            raise AuthenticationError("the API key has expired", hint="ask for a new one", code="expired_key")
        if key.blocked:
            raise PermissionDeniedError("the API key is blocked", hint="an admin can unblock it", code="key_blocked")
