"""Certificates made for one test run: an authority, a server's and a client's."""

import ssl
from pathlib import Path

import trustme


class Certificates:
    """An authority that nobody else trusts, and contexts and files of its certificates."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self._folder = folder
        self.ca_file = str(folder / "ca.pem")
        self._authority.cert_pem.write_to_path(self.ca_file)

    def server(self, host: str = "localhost", *, ask_client: bool = False, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
        """Return a server's context for that host; with `ask_client` it takes only clients of the same authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(host).configure_cert(context)
        if ask_client:
            self._authority.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        if protocols:
            context.set_alpn_protocols(list(protocols))
        return context

    def client_files(self) -> tuple[str, str]:
        """Return the file names of a client's certificate and key."""
        issued = self._authority.issue_cert("client.example")
        certificate, key = self._folder / "client.pem", self._folder / "client.key"
        issued.cert_chain_pems[0].write_to_path(certificate)
        issued.private_key_pem.write_to_path(key)
        return str(certificate), str(key)
