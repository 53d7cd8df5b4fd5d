"""What an operator can do with virtual keys."""

from dataclasses import dataclass

from msgspec import UNSET

from tianji_app.snapshot import SnapshotHolder
from tianji_app.use_cases.key_budgets import KeyBudgets
from tianji_app.use_cases.key_writes import KeyWrites
from tianji_core.access.authorization import check_admin
from tianji_core.access.fields import unprocessable
from tianji_core.access.key_changes import change_key, check_custom_key, create_key
from tianji_core.access.key_fields import KeyFields, read_key_fields
from tianji_core.access.key_queries import key_reference, read_key_name, read_key_names, read_list_query, shown
from tianji_core.access.key_views import Document, full_row, new_key_answer
from tianji_core.access.key_views import key_row as info_row
from tianji_core.access.keys import KeyId, VirtualKey, new_key
from tianji_core.access.master import MasterKey
from tianji_core.access.principal import Principal
from tianji_core.access.wire_values import nano
from tianji_core.errors import ConflictError, Fault, NotFoundError, PermissionDeniedError
from tianji_core.ports.clock import Clock
from tianji_core.ports.identifiers import Identifiers
from tianji_core.ports.key_store import KeyFilter
from tianji_core.ports.management import ManagementAnswer, ManagementCall
from tianji_core.wire.json import decode_object

QUICKSTART_ALIAS = "quickstart"
_KEY_BYTES = 32


@dataclass(slots=True)
class GenerateKey:
    """Make a key; its text is in the answer and nowhere else."""

    writes: KeyWrites
    budgets: KeyBudgets
    clock: Clock
    identifiers: Identifiers
    master: MasterKey
    snapshots: SnapshotHolder

    async def __call__(self, call: ManagementCall) -> ManagementAnswer:
        """Return the new key."""
        check_admin(call.caller)
        settings = self.snapshots.current.config.general
        read = read_key_fields(decode_object(call.body or b"{}"), strict=settings.strict_management_fields)
        text = self._text(read.fields, may_choose=may_choose_key(settings.custom_keys, call.caller))
        now_ns = self.clock.now_ns()
        key_id = KeyId(self.identifiers.uuid7(now_ns))
        key = create_key(read.fields, text=text, key_id=key_id, now_ns=now_ns, actor=call.caller.actor)
        try:
            await self.writes.store.add(key)
        finally:
            self.writes.cache.invalidate(key.hash)  # somebody may have tried this text before
        if read.fields.spend is not UNSET and read.fields.spend:
            await self.budgets.adjust(key, to_nano=nano(read.fields.spend))
        document = new_key_answer(key, text, await self.budgets.shown(key), money_as_text=call.money_as_text)
        return ManagementAnswer(document=document, version=key.version, ignored_fields=read.ignored)

    def _text(self, fields: KeyFields, *, may_choose: bool) -> str:
        if fields.key is UNSET:
            return new_key(self.identifiers.secret_bytes(_KEY_BYTES))
        if not may_choose:
            raise PermissionDeniedError("keys cannot be chosen here", hint="leave `key` out", param="key", code="custom_keys_disabled")
        if self.master.matches(fields.key):
            raise ConflictError("this key exists", hint="choose another key, or let one be generated", param="key", code="key_exists")
        return check_custom_key(fields.key)


@dataclass(slots=True)
class KeyInfo:
    """Show one key: an admin any, a key only itself."""

    writes: KeyWrites
    budgets: KeyBudgets

    async def __call__(self, call: ManagementCall) -> ManagementAnswer:
        """Return the hash and the row."""
        key = await self._visible(call)
        row = info_row(key, await self.budgets.shown(key), money_as_text=call.money_as_text)
        return ManagementAnswer(document={"key": key.hash, "info": row}, version=key.version)

    async def _visible(self, call: ManagementCall) -> VirtualKey:
        named = next((value for name, value in call.query if name == "key" and value), None)
        own = call.caller.key
        if named is None and own is None:
            raise unprocessable([Fault("key", "`key` must name the key to show", "missing_field")])
        found = await self.writes.store.by_id(own.id) if named is None and own else await self.writes.find(key_reference(named or ""))
        if found is None or not (call.caller.is_admin or (own is not None and found.id == own.id)):
            raise NotFoundError(f"there is no key `{shown(named or '')}`", hint="GET /key/list shows the keys", param="key")
        return found


@dataclass(slots=True)
class ListKeys:
    """List keys, newest first."""

    writes: KeyWrites
    budgets: KeyBudgets
    clock: Clock

    async def __call__(self, call: ManagementCall) -> ManagementAnswer:
        """Return one page: hashes, or whole rows."""
        check_admin(call.caller)
        asked = read_list_query(call.query)
        wanted = KeyFilter(
            user_id=asked.user_id,
            team_id=asked.team_id,
            organization_id=asked.organization_id,
            hash=asked.hash,
            alias=asked.alias,
            search=asked.search,
            expired=asked.is_expired,
            now_ns=self.clock.now_ns(),
        )
        found = await self.writes.store.page(wanted, page=asked.page, size=asked.size)
        rows = await self._rows(found.keys, call) if asked.return_full_object else [key.hash for key in found.keys]
        document = {
            "keys": rows,
            "total_count": found.total,
            "current_page": asked.page,
            "total_pages": -(-found.total // asked.size),
        }
        return ManagementAnswer(document=document, ignored_fields=asked.ignored)

    async def _rows(self, keys: tuple[VirtualKey, ...], call: ManagementCall) -> list[Document]:
        spent = await self.budgets.shown_of(keys)
        return [full_row(key, spent[key.id], money_as_text=call.money_as_text) for key in keys]


@dataclass(slots=True)
class UpdateKey:
    """Change some fields of one key; what is not mentioned stays."""

    writes: KeyWrites
    budgets: KeyBudgets
    clock: Clock
    snapshots: SnapshotHolder

    async def __call__(self, call: ManagementCall) -> ManagementAnswer:
        """Return the changed row."""
        check_admin(call.caller)
        strict = self.snapshots.current.config.general.strict_management_fields
        read = read_key_fields(decode_object(call.body), strict=strict)
        key = await self._addressed(read.fields)
        expected = None if read.fields.expected_version is UNSET else read.fields.expected_version
        now_ns, actor = self.clock.now_ns(), call.caller.actor

        def changed(current: VirtualKey) -> VirtualKey:
            return change_key(current, read.fields, now_ns=now_ns, actor=actor)

        key = await self.writes.change(key, changed, if_match=call.if_match, expected=expected)
        if read.fields.spend is not UNSET:
            await self.budgets.adjust(key, to_nano=nano(read.fields.spend))
        return await _row_answer(key, self.budgets, call, read.ignored)

    async def _addressed(self, fields: KeyFields) -> VirtualKey:
        if fields.key is not UNSET:
            return await self.writes.named(fields.key)
        if not isinstance(fields.key_alias, str):
            raise unprocessable([Fault("key", "`key` must name the key to change", "missing_field")])
        return await self.writes.aliased(fields.key_alias)


@dataclass(slots=True)
class DeleteKeys:
    """Delete keys, all or none."""

    writes: KeyWrites
    clock: Clock

    async def __call__(self, call: ManagementCall) -> ManagementAnswer:
        """Return the hashes of what is gone."""
        check_admin(call.caller)
        names = read_key_names(decode_object(call.body))
        found = [(name, await self.writes.find(key_reference(name))) for name in names.keys]
        found += [(alias, await self.writes.store.by_alias(alias)) for alias in names.aliases]
        missing = [f"`{shown(name)}`" for name, key in found if key is None]
        if missing:
            raise NotFoundError(f"there is no key {', '.join(missing)}; nothing was deleted", param="keys" if names.keys else "key_aliases")
        keys = {key.id: key for _, key in found if key is not None}
        try:
            await self.writes.store.delete(list(keys), at_ns=self.clock.now_ns(), by=call.caller.actor)
        finally:
            self.writes.cache.invalidate(*(key.hash for key in keys.values()))
        return ManagementAnswer(document={"deleted_keys": [key.hash for key in keys.values()]}, ignored_fields=names.ignored)


@dataclass(slots=True)
class BlockKey:
    """Refuse every call of a key from now on."""

    writes: KeyWrites
    budgets: KeyBudgets
    clock: Clock

    async def __call__(self, call: ManagementCall) -> ManagementAnswer:
        """Return the row."""
        return await _set_blocked(self, call, KeyFields(blocked=True))


@dataclass(slots=True)
class UnblockKey:
    """Let a key call again."""

    writes: KeyWrites
    budgets: KeyBudgets
    clock: Clock

    async def __call__(self, call: ManagementCall) -> ManagementAnswer:
        """Return the row."""
        return await _set_blocked(self, call, KeyFields(blocked=False))


@dataclass(slots=True)
class ReplaceQuickstartKey:
    """Make the key that the banner shows; the one of the last start stops working in the same moment."""

    writes: KeyWrites
    clock: Clock
    identifiers: Identifiers

    async def __call__(self) -> str:
        """Return the text of the key."""
        text = new_key(self.identifiers.secret_bytes(_KEY_BYTES))
        now_ns = self.clock.now_ns()
        fields = KeyFields(key_alias=QUICKSTART_ALIAS)
        key_id = KeyId(self.identifiers.uuid7(now_ns))
        key = create_key(fields, text=text, key_id=key_id, now_ns=now_ns, actor=QUICKSTART_ALIAS)
        old = await self.writes.store.by_alias(QUICKSTART_ALIAS)
        try:
            await self.writes.store.replace_named(key, QUICKSTART_ALIAS)
        finally:
            self.writes.cache.invalidate(key.hash, *([old.hash] if old else []))
        return text


def may_choose_key(custom_keys: str, caller: Principal) -> bool:
    """Whether a caller who may make keys may choose their text: `admin`, `all` or `none` may."""
    return custom_keys == "all" or (custom_keys == "admin" and caller.is_admin)


async def _set_blocked(case: BlockKey | UnblockKey, call: ManagementCall, fields: KeyFields) -> ManagementAnswer:
    check_admin(call.caller)
    key = await case.writes.named(read_key_name(decode_object(call.body)))
    now_ns, actor = case.clock.now_ns(), call.caller.actor
    key = await case.writes.change(key, lambda current: change_key(current, fields, now_ns=now_ns, actor=actor), if_match=call.if_match)
    return await _row_answer(key, case.budgets, call)


async def _row_answer(key: VirtualKey, budgets: KeyBudgets, call: ManagementCall, ignored: tuple[str, ...] = ()) -> ManagementAnswer:
    row = full_row(key, await budgets.shown(key), money_as_text=call.money_as_text)
    return ManagementAnswer(document={"key": key.hash, **row}, version=key.version, ignored_fields=ignored)
