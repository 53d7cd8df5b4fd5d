"""The two ends of the scale: no gateway at all, and nginx, which only checks the key and passes bytes on."""

import re
import subprocess

from benchmarks.peers.installing import need
from benchmarks.peers.peer import KEY, MODEL, Peer, Site, bearer
from benchmarks.peers.question import Request, Way, openai_request
from benchmarks.peers.servers import Command

_NGINX = """
worker_processes 1;
daemon off;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 10000000;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  map $http_authorization $known {{ default 0; "Bearer {key}" 1; }}
  upstream provider {{ server 127.0.0.1:{provider}; keepalive 512; keepalive_requests 10000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      if ($known = 0) {{ return 401; }}
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""


class Direct(Peer):
    """The provider itself."""

    name = "direct"
    note = "no gateway"
    checks_key = False

    def install(self) -> str:
        return "mock provider"

    def command(self, site: Site) -> Command | None:
        site.port = site.provider
        return None

    def question(self, site: Site, way: Way, *, streamed: bool, key: str | None = None) -> Request:
        return openai_request(f"http://127.0.0.1:{site.port}/{way}/v1/chat/completions", MODEL, bearer(key or site.key), streamed=streamed)


class Nginx(Direct):
    """The limit of a relay."""

    name = "nginx"
    note = "proxy_pass, key checked by a map; reads no body, counts nothing"
    checks_key = True

    def install(self) -> str:
        need("nginx")
        return re.sub(r".*nginx/", "", subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr.strip())

    def command(self, site: Site) -> Command:
        file = site.folder / "nginx.conf"
        file.write_text(_NGINX.format(key=KEY, provider=site.provider, port=site.port))
        return Command(["nginx", "-p", str(site.folder), "-e", "stderr", "-c", str(file)], site.folder, {})
