#!/bin/sh
# Compile requirements.lock (what runs) and requirements-dev.lock (what checks and tests too).
# Both hold for every platform and Python from 3.11 up, and name no package index.
# The build backend is part of both, so that installing the checkout downloads nothing.
set -eu

cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .venv/bin/uv)
[ -x "$uv" ] || { echo "puente: uv is needed to compile locks; pip install uv" >&2; exit 1; }
compile() {
    printf 'hatchling>=1.27\neditables>=0.5\n' |
        "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
            --no-emit-index-url --no-emit-find-links --no-header pyproject.toml - "$@" >/dev/null
}
compile "$@" --output-file requirements.lock
compile "$@" --constraint requirements.lock --group dev --output-file requirements-dev.lock
