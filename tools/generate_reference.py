"""Writes the reference pages that are made from the code: providers, errors, endpoints.

Run `python tools/generate_reference.py` after a change; a test holds that the pages are current.
"""

from collections.abc import Iterable
from pathlib import Path

from tianji_app.catalog import all_providers
from tianji_core import errors
from tianji_core.access.roles import TABLE
from tianji_core.error_table import words_of

FOLDER = Path(__file__).parents[1] / "docs" / "reference"


def pages() -> dict[str, str]:
    """Return each page's text by its file name."""
    return {"providers.md": _providers(), "errors.md": _errors(), "endpoints.md": _endpoints()}


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return "\n".join([*lines, *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)])


def _providers() -> str:
    known = {provider.name: provider for provider in all_providers().values()}
    rows = []
    for name, provider in sorted(known.items()):
        able = [
            word
            for word, codec in (("chat", provider.chat), ("completions", provider.completions), ("embeddings", provider.embeddings))
            if codec is not None
        ]
        server = getattr(provider.chat, "server", None)
        base = getattr(server, "base_url", None) or provider.base_template or ("own `api_base`" if provider.needs_base_url else "")
        aliases = ", ".join(f"`{alias}`" for alias in provider.aliases)
        keys = ", ".join(f"`{variable}`" for variable in provider.key_variables)
        rows.append([f"`{name}`", aliases, provider.dialect, ", ".join(able), base, keys])
    return (
        "# Providers\n\n"
        "A model is written `provider/model`; the rest after the first slash is the provider's own name and may hold slashes.\n"
        "The key comes from `api_key` of the deployment, else from the first of these variables that is set.\n"
        "Any other server that speaks OpenAI's dialect is reached as `openai/<model>` with an `api_base`:\n"
        "with or without a trailing slash, with or without `/v1`, or as the full path of an operation.\n\n"
        + _table(["provider", "aliases", "dialect", "can", "address", "key variables"], rows)
        + "\n"
    )


def _classes(kind: type[errors.TianjiError]) -> list[type[errors.TianjiError]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in _classes(child))]


def _errors() -> str:
    rows = []
    for kind in _classes(errors.TianjiError):
        if kind.__module__ != errors.__name__ or kind in (errors.TianjiError, errors.CallerError):
            continue
        words = words_of(kind("x"))
        meaning = (kind.__doc__ or "").strip().splitlines()[0]
        code = f"`{kind.default_code}`" if kind.default_code else ""
        rows.append([meaning, str(words.status), f"`{words.openai}`", code, f"`{words.anthropic}`", f"`{words.management}`"])
    rows.sort(key=lambda row: (row[1], row[0]))
    return (
        "# Errors\n\n"
        "Every error has the envelope of the surface that the caller speaks.\n"
        'OpenAI surfaces answer `{"error": {"message", "type", "param", "code"}}`,\n'
        'the Messages surface `{"type": "error", "error": {"type", "message"}, "request_id"}` (where 503 is sent as 529),\n'
        "management routes OpenAI's form with the status as `code` and a sibling `detail`.\n"
        "`x-should-retry: false` stands where a client that retries by status alone would do so in vain;\n"
        "`retry-after` and `retry-after-ms` stand where the end of a refusal is known.\n"
        "An error after the first content of a stream is one event, and no terminator follows: a cut answer never looks whole.\n\n"
        + _table(["what happened", "status", "OpenAI `type`", "`code`", "Anthropic `type`", "management `type`"], rows)
        + "\n"
    )


def _endpoints() -> str:
    rows = []
    for (method, template), rights in TABLE.items():
        who = ", ".join(f"`{grant}`" for grant in rights)
        rows.append([method, f"`{template}`", who])
    return (
        "# Endpoints\n\n"
        "`public` needs no credential, `key` any virtual key, `proxy_admin` the master key, `metrics` the `metrics_token`.\n"
        "The machine-readable description is at `/openapi.json`.\n\n" + _table(["method", "path", "who"], rows) + "\n"
    )


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
