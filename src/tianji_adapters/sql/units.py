"""The sum of two JSON objects of counts, in SQL: what adds to a `units` column in the statement that adds to the numbers beside it."""

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

from tianji_adapters.sql.types import Json

_POSTGRES = """(SELECT coalesce(jsonb_object_agg(name, total), '{{}}') FROM (
  SELECT name, sum(CAST(amount AS numeric)) AS total FROM (
    SELECT * FROM jsonb_each_text({old}) UNION ALL SELECT * FROM jsonb_each_text({new})
  ) AS amounts(name, amount) GROUP BY name
) AS sums)"""
_SQLITE = """(SELECT json_group_object(name, total) FROM (
  SELECT name, sum(amount) AS total FROM (
    SELECT key AS name, value AS amount FROM json_each({old}) UNION ALL SELECT key, value FROM json_each({new})
  ) GROUP BY name
))"""


class SumOfUnits(FunctionElement[object]):
    """`SumOfUnits(old, new)`: every name of either object, with the sum of its counts."""

    type = Json()
    inherit_cache = True

    def __init__(self, old: ColumnElement[object], new: ColumnElement[object]) -> None:
        super().__init__(old, new)


@compiles(SumOfUnits, "postgresql")
def _on_postgres(element: SumOfUnits, compiler: SQLCompiler, **options: object) -> str:
    return _filled(_POSTGRES, element, compiler, options)


@compiles(SumOfUnits, "sqlite")
def _on_sqlite(element: SumOfUnits, compiler: SQLCompiler, **options: object) -> str:
    return _filled(_SQLITE, element, compiler, options)


def _filled(template: str, element: SumOfUnits, compiler: SQLCompiler, options: dict[str, object]) -> str:
    old, new = (compiler.process(clause, **options) for clause in element.clauses)
    return template.format(old=old, new=new)
