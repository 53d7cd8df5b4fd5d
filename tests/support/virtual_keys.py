"""The key use cases over stores in memory, with a clock that stands, and a server that speaks only their routes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.di import Provide
from litestar.exceptions import HTTPException

from support.gateway_parts import snapshot_of
from tianji_adapters.http_server.authorization import Authorize, check_routes
from tianji_adapters.http_server.controllers.keys import KeyController
from tianji_adapters.http_server.management_errors import management_error
from tianji_adapters.memory.clock import FixedClock
from tianji_adapters.memory.counters import MemoryCounters
from tianji_adapters.memory.identifiers import CountingIdentifiers
from tianji_adapters.memory.key_store import MemoryKeyStore
from tianji_adapters.memory.spend_store import MemorySpendStore
from tianji_app.call.admission import CallAdmission
from tianji_app.snapshot import SnapshotHolder
from tianji_app.use_cases.authenticate import Authenticate
from tianji_app.use_cases.key_budgets import KeyBudgets
from tianji_app.use_cases.key_cache import KeyCache
from tianji_app.use_cases.key_writes import KeyWrites
from tianji_app.use_cases.keys import (
    BlockKey,
    DeleteKeys,
    GenerateKey,
    KeyInfo,
    ListKeys,
    ReplaceQuickstartKey,
    UnblockKey,
    UpdateKey,
)
from tianji_core.access.keys import KeyHash, VirtualKey
from tianji_core.access.master import master_key
from tianji_core.access.principal import Principal
from tianji_core.calls.secret import Secret
from tianji_core.config.gateway_config import GeneralSettings
from tianji_core.errors import DependencyUnavailableError, NotFoundError, TianjiError, TooLargeError
from tianji_core.ports.management import ManagementAnswer, ManagementCall, ManagementOperation

MASTER = "sk-master-of-the-tests-0123456789"
METRICS = "metrics-token-of-the-tests"
ADMIN = Principal(role="proxy_admin")


@dataclass(slots=True)
class CountingKeyStore(MemoryKeyStore):
    """Counts look-ups, and can be away."""

    asked: list[KeyHash] = field(default_factory=list)
    is_away: bool = False
    before_answer: Callable[[], object] | None = None

    async def by_hash(self, key_hash: KeyHash) -> VirtualKey | None:
        """Return the key with this hash."""
        self.asked.append(key_hash)
        if self.is_away:
            raise DependencyUnavailableError("the database is away")
        found = next((key for key in self.living.values() if key.hash == key_hash), None)
        if self.before_answer is not None:
            self.before_answer()
        return found


@dataclass(slots=True)
class KeyHouse:
    """Everything around virtual keys."""

    store: CountingKeyStore = field(default_factory=CountingKeyStore)
    spend: MemorySpendStore = field(default_factory=MemorySpendStore)
    clock: FixedClock = field(default_factory=FixedClock)
    identifiers: CountingIdentifiers = field(default_factory=CountingIdentifiers)
    settings: GeneralSettings = field(default_factory=GeneralSettings)
    cache: KeyCache = field(init=False)
    writes: KeyWrites = field(init=False)
    authenticate: Authenticate = field(init=False)
    counters: MemoryCounters = field(init=False)
    admission: CallAdmission = field(init=False)
    budgets: KeyBudgets = field(init=False)

    def __post_init__(self) -> None:
        self.cache = KeyCache(self.store, self.clock)
        self.writes = KeyWrites(self.store, self.cache)
        self.counters = MemoryCounters(self.clock)
        self.admission = CallAdmission(self.counters, self.spend.windows, self.clock)
        self.budgets = KeyBudgets(self.admission, self.spend)
        self.authenticate = Authenticate(self.cache, master_key(Secret(MASTER)), self.clock, master_key(Secret(METRICS)))

    @property
    def snapshots(self) -> SnapshotHolder:
        return SnapshotHolder(snapshot_of([], general=self.settings))

    @property
    def generate(self) -> GenerateKey:
        return GenerateKey(self.writes, self.budgets, self.clock, self.identifiers, master_key(Secret(MASTER)), self.snapshots)

    @property
    def info(self) -> KeyInfo:
        return KeyInfo(self.writes, self.budgets)

    @property
    def list_keys(self) -> ListKeys:
        return ListKeys(self.writes, self.budgets, self.clock)

    @property
    def update(self) -> UpdateKey:
        return UpdateKey(self.writes, self.budgets, self.clock, self.snapshots)

    @property
    def delete(self) -> DeleteKeys:
        return DeleteKeys(self.writes, self.clock)

    @property
    def block(self) -> BlockKey:
        return BlockKey(self.writes, self.budgets, self.clock)

    @property
    def unblock(self) -> UnblockKey:
        return UnblockKey(self.writes, self.budgets, self.clock)

    @property
    def quickstart(self) -> ReplaceQuickstartKey:
        return ReplaceQuickstartKey(self.writes, self.clock, self.identifiers)

    async def make(self, **fields: object) -> str:
        """Return the text of a new key."""
        return str((await ask(self.generate, fields)).document["key"])


async def ask(
    operation: ManagementOperation,
    body: Mapping[str, object] | None = None,
    *,
    caller: Principal = ADMIN,
    query: Mapping[str, str] | None = None,
    if_match: str | None = None,
    money_as_text: bool = False,
) -> ManagementAnswer:
    """Call a driving port as the server would."""
    call = ManagementCall(
        caller=caller,
        body=b"" if body is None else msgspec.json.encode(body),
        query=tuple((query or {}).items()),
        if_match=if_match,
        money_as_text=money_as_text,
    )
    return await operation(call)


def key_server(house: KeyHouse) -> Litestar:
    """Return a server with the routes of keys, one public route and one of the models."""
    ports: dict[str, ManagementOperation] = {
        "generate_key": house.generate,
        "key_info": house.info,
        "list_keys": house.list_keys,
        "update_key": house.update,
        "delete_keys": house.delete,
        "block_key": house.block,
        "unblock_key": house.unblock,
    }
    server = Litestar(
        [KeyController, _alive, _models],
        guards=[Authorize(house.authenticate)],
        dependencies={name: _provided(port) for name, port in ports.items()},
        exception_handlers={Exception: answer_error},
        openapi_config=None,
    )
    check_routes(server.routes)
    return server


def _provided(port: ManagementOperation) -> Provide:
    return Provide(lambda: port, sync_to_thread=False)


@get("/health/liveness")
async def _alive() -> str:
    return "I'm alive!"


@get("/v1/models")
async def _models(request: Request) -> str:  # type: ignore[type-arg]
    caller: Principal = request.state["principal"]
    return caller.key_id


def answer_error(_: Request, error: Exception) -> Response[bytes]:  # type: ignore[type-arg]
    """Answer in the envelope of the management plane."""
    kinds: dict[int, type[TianjiError]] = {404: NotFoundError, 413: TooLargeError}
    if isinstance(error, HTTPException):
        error = kinds[error.status_code](error.detail)
    status, headers, body = management_error(error, "request-1")
    return Response(body, status_code=status, headers=dict(headers))
