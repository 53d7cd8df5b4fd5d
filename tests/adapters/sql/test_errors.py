"""A driver's failure becomes ours, without its text."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, exc, text

from tianji_adapters.sql.errors import passes_by_itself, translated, violated
from tianji_core.errors import ConflictError, DependencyUnavailableError, NotFoundError


@pytest.mark.parametrize("failure", [OSError("secret-word"), TimeoutError("secret-word"), sqlite3.OperationalError("secret-word")])
def test_failure_of_the_driver_is_unavailability_without_its_text(failure: Exception) -> None:
    with pytest.raises(DependencyUnavailableError, match="could not answer") as told, translated("answer"):
        raise failure
    assert "secret-word" not in str(told.value)
    assert told.value.hint


@pytest.mark.parametrize("failure", [NotFoundError("no key"), KeyError("bug"), ConflictError("taken")])
def test_our_errors_and_bugs_pass_unchanged(failure: Exception) -> None:
    with pytest.raises(type(failure)) as told, translated("answer"):
        raise failure
    assert told.value is failure


def test_broken_constraint_is_a_conflict_and_names_its_column() -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE t (alias TEXT UNIQUE)"))
        connection.execute(text("INSERT INTO t VALUES ('secret-word')"))
        with pytest.raises(exc.IntegrityError) as broken:
            connection.execute(text("INSERT INTO t VALUES ('secret-word')"))
    engine.dispose()
    assert violated(broken.value) == "UNIQUE constraint failed: t.alias"
    assert not passes_by_itself(broken.value)
    with pytest.raises(ConflictError) as told, translated("store"):
        raise broken.value
    assert "secret-word" not in str(told.value)


def test_busy_sqlite_may_be_tried_again(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'x.db'}", connect_args={"timeout": 0, "isolation_level": None})
    with engine.connect() as first, engine.connect() as second:
        first.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(exc.OperationalError) as busy:
            second.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(exc.OperationalError) as wrong:
            second.exec_driver_sql("SELECT * FROM nothing")
    engine.dispose()
    assert passes_by_itself(busy.value)
    assert not passes_by_itself(wrong.value)
    assert not passes_by_itself(ConflictError("taken"))
