"""Virtual keys in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import ColumnElement, delete, exc, func, insert, literal, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tianji_adapters.sql.engine import Engine
from tianji_adapters.sql.errors import passes_by_itself, violated
from tianji_adapters.sql.key_rows import from_row, to_row
from tianji_adapters.sql.tables import api_keys, deleted_entities
from tianji_adapters.sql.types import Words
from tianji_core.access.keys import KeyHash, KeyId, VirtualKey
from tianji_core.errors import ConflictError, NotFoundError
from tianji_core.ports.key_store import KeyFilter, KeyPage

_KIND = "key"
_ALIAS_TAKEN = "key_alias_exists"
# Both drivers refuse more than about 32,000 parameters in a statement.
_CHUNK = 5_000


@dataclass(slots=True, frozen=True)
class SqlKeyStore:
    """Implements the `KeyStore` port."""

    engine: Engine

    async def by_hash(self, key_hash: KeyHash) -> VirtualKey | None:
        """Return the key with this hash."""
        return await self._one(api_keys.c.hash == key_hash)

    async def by_id(self, key_id: KeyId) -> VirtualKey | None:
        """Return the key with this id."""
        return await self._one(api_keys.c.id == key_id)

    async def by_alias(self, alias: str) -> VirtualKey | None:
        """Return the key with this alias."""
        return await self._one(api_keys.c.alias == alias)

    async def add(self, key: VirtualKey) -> None:
        """Store a new key."""
        await self.engine.write("store a key", lambda connection: _insert(connection, key))

    async def put(self, key: VirtualKey, *, expected_version: int) -> None:
        """Replace a key whose stored version is the expected one; the stored version becomes the next."""
        row = {**to_row(key), "version": expected_version + 1}
        wanted = (api_keys.c.id == key.id) & (api_keys.c.version == expected_version)

        async def work(connection: AsyncConnection) -> int:
            try:
                return (await connection.execute(update(api_keys).where(wanted).values(row))).rowcount
            except exc.IntegrityError as error:
                raise _taken(error) from None

        if await self.engine.write("change a key", work) == 0:
            raise ConflictError(
                "the key was changed or deleted since it was read", hint="read it again and repeat the change", code="version_conflict"
            )

    async def replace_named(self, key: VirtualKey, alias: str) -> None:
        """Store `key` in the place of the living key of that alias, which goes to `deleted_entities` as of the new key's creation."""

        async def work(connection: AsyncConnection) -> None:
            found = await connection.execute(select(api_keys.c.id).where(api_keys.c.alias == alias))
            await _remove(connection, list(found.scalars()), at_ns=key.created_at_ns, by=key.created_by)
            await _insert(connection, key)

        await self.engine.write("replace a key", work, again=_another_came_between)

    async def delete(self, key_ids: Sequence[KeyId], *, at_ns: int, by: str) -> None:
        """Remove the keys, all or none, keeping their rows in `deleted_entities`."""
        wanted = sorted(set(key_ids))

        async def work(connection: AsyncConnection) -> None:
            removed = await _remove(connection, wanted, at_ns=at_ns, by=by)
            missing = [key_id for key_id in wanted if key_id not in removed]
            if missing:
                raise NotFoundError(f"there is no key {missing[0]!r}; nothing was deleted", hint="GET /key/list shows the keys")

        await self.engine.write("delete keys", work)

    async def page(self, wanted: KeyFilter, *, page: int, size: int) -> KeyPage:
        """Return one page, newest first."""
        condition = self._condition(wanted)
        newest_first = (api_keys.c.created_at.desc(), api_keys.c.id.desc())
        rows = select(api_keys).where(condition).order_by(*newest_first).limit(size).offset((page - 1) * size)

        async def work(connection: AsyncConnection) -> KeyPage:
            total = (await connection.execute(select(func.count()).select_from(api_keys).where(condition))).scalar_one()
            found = (await connection.execute(rows)).mappings()
            return KeyPage(keys=tuple(from_row(row) for row in found), total=total)

        return await self.engine.read("list keys", work)

    async def _one(self, condition: ColumnElement[bool]) -> VirtualKey | None:
        async def work(connection: AsyncConnection) -> VirtualKey | None:
            row = (await connection.execute(select(api_keys).where(condition))).mappings().one_or_none()
            return None if row is None else from_row(row)

        return await self.engine.read("look up a key", work)

    def _condition(self, wanted: KeyFilter) -> ColumnElement[bool]:
        condition: ColumnElement[bool] = true()
        for name in ("user_id", "team_id", "organization_id", "hash", "alias"):
            if (value := getattr(wanted, name)) is not None:
                condition &= api_keys.c[name] == value
        if wanted.search is not None:
            # LIKE ignores case on SQLite; these two do not.
            position = func.strpos if self.engine.is_postgres else func.instr
            condition &= position(api_keys.c.alias, literal(wanted.search, Words)) > 0
        if wanted.expired is not None:
            valid = api_keys.c.expires_at.is_(None) | (api_keys.c.expires_at > wanted.now_ns)
            condition &= ~valid if wanted.expired else valid
        return condition


async def _insert(connection: AsyncConnection, key: VirtualKey) -> None:
    try:
        await connection.execute(insert(api_keys).values(to_row(key)))
    except exc.IntegrityError as error:
        raise _taken(error) from None


async def _remove(connection: AsyncConnection, key_ids: Sequence[str], *, at_ns: int, by: str) -> set[str]:
    """Move the keys that are there to `deleted_entities`; return their ids."""
    removed: set[str] = set()
    for start in range(0, len(key_ids), _CHUNK):
        chosen = api_keys.c.id.in_(key_ids[start : start + _CHUNK])
        gone = [from_row(row) for row in (await connection.execute(delete(api_keys).where(chosen).returning(api_keys))).mappings()]
        kept = [_archived(key, at_ns=at_ns, by=by) for key in gone]
        if kept:
            await connection.execute(insert(deleted_entities), kept)
        removed.update(key.id for key in gone)
    return removed


def _archived(key: VirtualKey, *, at_ns: int, by: str) -> dict[str, object]:
    return {"kind": _KIND, "pk": key.id, "id": key.id, "row": msgspec.structs.asdict(key), "deleted_at": at_ns, "deleted_by": by}


def _taken(error: exc.IntegrityError) -> ConflictError:
    if "alias" in violated(error):
        return ConflictError("another key has this alias", hint="choose another alias", param="key_alias", code=_ALIAS_TAKEN)
    return ConflictError("this key exists", hint="choose another key, or let one be generated", param="key", code="key_exists")


def _another_came_between(error: Exception) -> bool:
    return passes_by_itself(error) or (isinstance(error, ConflictError) and error.code == _ALIAS_TAKEN)
