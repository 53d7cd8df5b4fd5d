"""Every known key of the configuration, in one place: the reading code, the warnings and the reference page come from it."""

from tianji_core.config.schema.general import GENERAL
from tianji_core.config.schema.keys import Key, Kind, Status, Table
from tianji_core.config.schema.models import INFO, MODEL, PARAMS
from tianji_core.config.schema.router import ROUTER
from tianji_core.config.schema.settings import SETTINGS
from tianji_core.config.schema.top_level import CREDENTIAL, JOURNAL, PROMETHEUS, TOP_LEVEL

TABLES = (TOP_LEVEL, GENERAL, ROUTER, SETTINGS, PROMETHEUS, JOURNAL, MODEL, PARAMS, INFO, CREDENTIAL)

__all__ = [
    "CREDENTIAL",
    "GENERAL",
    "INFO",
    "JOURNAL",
    "MODEL",
    "PARAMS",
    "PROMETHEUS",
    "ROUTER",
    "SETTINGS",
    "TABLES",
    "TOP_LEVEL",
    "Key",
    "Kind",
    "Status",
    "Table",
]
