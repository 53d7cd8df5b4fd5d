#!/usr/bin/env bash
# Makes .venv with the given Python, which must be 3.11 or later.
set -euo pipefail
python="${1:-python3}"
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "TianJi needs Python 3.11 or later; '$python' is not. Try: make PYTHON=python3.12" >&2
  exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && apt-get install -y -qq python3-venv
  else
    echo "'$python' cannot make virtual environments: install its venv module (Debian: python3-venv)" >&2
    exit 1
  fi
fi
"$python" -m venv .venv
