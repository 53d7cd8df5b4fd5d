"""How a server is verified and how we prove ourselves."""

import ssl

import httpcore

from tianji_core.calls.deployment import TransportOptions
from tianji_core.errors import ConfigurationError


def tls_context(options: TransportOptions) -> ssl.SSLContext:
    """Return how the server is verified and how we prove ourselves. Raises ConfigurationError."""
    try:
        context = ssl.create_default_context(cafile=options.ca_file) if options.ca_file else httpcore.default_ssl_context()
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"the CA file cannot be used: {options.ca_file}", hint="it must be readable and in PEM form") from error
    if not options.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.client_certificate:
        try:
            context.load_cert_chain(options.client_certificate, options.client_key)
        except (OSError, ssl.SSLError) as error:
            hint = "certificate and key must be readable, in PEM form, without a passphrase, and belong together"
            raise ConfigurationError(f"the client certificate cannot be used: {options.client_certificate}", hint=hint) from error
    return context
