"""What a driver's failure means to us: one table, and which failures pass by themselves.

Messages name the driver's class only: its own text may quote values of rows.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import exc

from tianji_core.errors import ConflictError, DependencyUnavailableError, InvalidRequestError, TianjiError

_ERRORS: Mapping[type[Exception], type[TianjiError]] = {
    exc.IntegrityError: ConflictError,
    exc.DataError: InvalidRequestError,
    exc.DBAPIError: DependencyUnavailableError,
    exc.TimeoutError: DependencyUnavailableError,
    sqlite3.Error: DependencyUnavailableError,
    OSError: DependencyUnavailableError,
}
# PostgreSQL: serialization_failure, deadlock_detected.
_PASSING_STATES = frozenset({"40001", "40P01"})
# PostgreSQL: the class of data_exception, a value that its column cannot hold.
_DATA_STATES = "22"
_PASSING_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PRIMARY_CODE = 0xFF


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise our error for a driver's. `doing` says what could not be done, without any value of a row."""
    try:
        yield
    except tuple(_ERRORS) as error:
        ours = _class_for(error)
        reason = type(getattr(error, "orig", None) or error).__name__
        message = f"the database could not {doing}: {state_of(error) or reason}"
        raise ours(message, hint="look at the database's own log; `tianji db current` shows whether it answers") from None


def _class_for(error: Exception) -> type[TianjiError]:
    if (state_of(error) or "").startswith(_DATA_STATES):
        return InvalidRequestError
    return next(_ERRORS[kind] for kind in type(error).__mro__ if kind in _ERRORS)


def state_of(error: BaseException) -> str | None:
    """Return PostgreSQL's five-character SQLSTATE, or None."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state if isinstance(state, str) else None


def passes_by_itself(error: BaseException) -> bool:
    """Whether the same transaction may succeed when it is tried again: a deadlock, a serialization failure, a busy SQLite."""
    code = getattr(_driver_error(error), "sqlite_errorcode", None)
    return state_of(error) in _PASSING_STATES or (isinstance(code, int) and code & _PRIMARY_CODE in _PASSING_CODES)


def violated(error: exc.IntegrityError) -> str:
    """Return the name of the violated constraint (PostgreSQL) or its columns (SQLite)."""
    driver_error = _driver_error(error)
    return str(getattr(driver_error, "constraint_name", None) or driver_error)


def _driver_error(error: BaseException) -> BaseException:
    orig = getattr(error, "orig", None) or error
    return getattr(orig, "driver_exception", None) or orig
