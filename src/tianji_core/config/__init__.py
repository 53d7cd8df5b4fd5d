"""Configuration: YAML text and environment in, one checked value out."""

from tianji_core.config.gateway_config import GatewayConfig, GeneralSettings, PriceFile, PriceSettings, RestartOnly
from tianji_core.config.load import config_without_file, load_config
from tianji_core.config.merge import NeedFiles, SourceFile
from tianji_core.config.problems import ConfigurationErrors, ConfigurationWarning
from tianji_core.config.reload import restart_only_changes

__all__ = [
    "ConfigurationErrors",
    "ConfigurationWarning",
    "GatewayConfig",
    "GeneralSettings",
    "NeedFiles",
    "PriceFile",
    "PriceSettings",
    "RestartOnly",
    "SourceFile",
    "config_without_file",
    "load_config",
    "restart_only_changes",
]
