"""Which proxy a host is reached through: the deployment's own, or the environment's."""

from collections.abc import Mapping
from urllib.parse import urlsplit


def proxy_from_environment(url: str, environment: Mapping[str, str]) -> str | None:
    """Return the proxy that `HTTPS_PROXY`, `HTTP_PROXY` or `ALL_PROXY` names for this URL unless `NO_PROXY` exempts its host.

    Lower-case names win, as in curl. Upper-case `HTTP_PROXY` counts too: we are no CGI program, where a client's header would set it.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if _exempt(host, parts.port, _value(environment, "no_proxy")):
        return None
    proxy = _value(environment, f"{parts.scheme.lower()}_proxy") or _value(environment, "all_proxy")
    if not proxy:
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _value(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name) or environment.get(name.upper()) or ""


def _exempt(host: str, port: int | None, no_proxy: str) -> bool:
    """Match as curl does: `*`, a host, a domain with its subdomains, each perhaps with a port."""
    for entry in no_proxy.lower().replace(" ", "").split(","):
        if not entry:
            continue
        if entry == "*":
            return True
        name, _, wanted_port = entry.partition(":") if entry.count(":") == 1 else (entry.strip("[]"), "", "")
        if wanted_port and wanted_port != str(port):
            continue
        name = name.removeprefix("*").removeprefix(".")
        if host == name or host.endswith(f".{name}"):
            return True
    return False
