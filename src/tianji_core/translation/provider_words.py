"""What a provider says of a failed call, fit for other eyes: some providers quote the credential that they were sent."""

from tianji_core.calls.deployment import Deployment
from tianji_core.calls.redaction import scrubber
from tianji_core.errors import TianjiError

_HARMLESS_HEADERS = frozenset({"accept", "content-type", "user-agent"})


def without_secrets(error: TianjiError, deployment: Deployment) -> None:
    """Take everything out of an error's words that the deployment keeps secret, and what looks like a secret.

    Every value of a configured header counts as one, whatever the header's name; and of an address the password.
    """
    transport = deployment.transport
    secrets = [secret.reveal() for secret in (deployment.auth_secret, transport.proxy) if secret is not None]
    secrets += [value for name, value in deployment.headers if name not in _HARMLESS_HEADERS]
    authority = (deployment.base_url or "").partition("//")[2].partition("/")[0]
    if "@" in authority:
        secrets.append(authority.rpartition("@")[0].partition(":")[2])
    scrub = scrubber(secrets)
    error.message = scrub.text(error.message)
    if error.param is not None:
        error.param = scrub.text(error.param)
    if error.code is not None:
        error.code = scrub.text(error.code)
    error.args = (error.message,)
