#!/bin/sh
# See to it that a Chromium is there for the browser tests, without asking questions.
set -eu

cd "$(dirname "$0")/.."
found() {
    command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 ||
        command -v google-chrome >/dev/null 2>&1 || .venv/bin/python - <<'PY'
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    sys.exit(not Path(playwright.chromium.executable_path).exists())
PY
}

found && exit 0
echo "puente: the browser tests need Chromium; installing it"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends chromium) >/dev/null 2>&1 || true
    found && exit 0
fi
.venv/bin/playwright install chromium || true
found && exit 0
echo "puente: no Chromium could be installed; install one (Debian: apt-get install chromium)," \
    "then run 'make test' again" >&2
exit 1
