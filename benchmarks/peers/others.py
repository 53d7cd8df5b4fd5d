"""The gateways that TianJi is compared with, as their own pages say that they are run in production."""

import json
import subprocess

from benchmarks.peers.installing import litellm_environment, need, portkey_folder
from benchmarks.peers.peer import MODEL, PROVIDER_KEY, Peer, Site, bearer, by_model
from benchmarks.peers.question import Request, Way, openai_request
from benchmarks.peers.servers import Command


class LiteLLM(Peer):
    """LiteLLM's proxy without a database, so that it has no virtual keys and stores no spend."""

    name = "litellm"
    note = "master key only; no database, so no accounting"
    connections = (8, 64)
    patience = 3
    paced_streams = 20

    def install(self) -> str:
        python = litellm_environment() / "bin" / "python"
        code = "import importlib.metadata as found; print(found.version('litellm'))"
        return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()

    def command(self, site: Site) -> Command:
        ways: tuple[Way, ...] = ("burst", "split", "paced")
        models = [
            {
                "model_name": f"{MODEL}-{way}",
                "litellm_params": {"model": f"openai/{MODEL}", "api_base": site.upstream(way), "api_key": PROVIDER_KEY},
            }
            for way in ways
        ]
        settings = {
            "model_list": models,
            "litellm_settings": {"set_verbose": False, "telemetry": False, "request_timeout": 600, "num_retries": 0},
            "general_settings": {"master_key": site.key},
        }
        file = site.folder / "litellm.yaml"
        file.write_text(json.dumps(settings))  # JSON is YAML
        programs = litellm_environment() / "bin"
        words = [str(programs / "python"), str(programs / "litellm"), "--config", str(file), "--host", "127.0.0.1"]
        variables = {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        return Command([*words, "--port", str(site.port), "--num_workers", "1"], site.folder, variables)

    def question(self, site: Site, way: Way, *, streamed: bool, key: str | None = None) -> Request:
        return by_model(site, way, streamed=streamed, key=key)


class Portkey(Peer):
    """Portkey's gateway, told by headers where the provider is."""

    name = "portkey"
    note = "no key check, no accounting"
    connections = (8, 64)
    checks_key = False

    def install(self) -> str:
        need("node", "npm")
        package = portkey_folder() / "node_modules" / "@portkey-ai" / "gateway" / "package.json"
        return str(json.loads(package.read_text())["version"])

    def command(self, site: Site) -> Command:
        script = portkey_folder() / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
        return Command(["node", str(script), f"--port={site.port}", "--headless"], site.folder, {"NODE_ENV": "production"})

    def question(self, site: Site, way: Way, *, streamed: bool, key: str | None = None) -> Request:
        headers = {
            **bearer(key or site.key),
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": site.upstream(way),
        }
        return openai_request(f"http://127.0.0.1:{site.port}/v1/chat/completions", MODEL, headers, streamed=streamed)
