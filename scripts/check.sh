#!/bin/sh
# Every check, in the order in which they are quick: `static`, or `all` with tests and coverage.
# Checks only, rewrites nothing; the first step that fails ends the run.
set -eu

cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH
export PATH
least_coverage=${LEAST_COVERAGE:-85}

step() {
    printf '\n== %s\n' "$*"
    "$@"
}

step ruff format --check
step ruff check
step mypy
step lint-imports
[ "${1:-all}" = all ] || exit 0

rm -f .coverage .coverage.*
# The variable makes test workers and the processes that tests start measure themselves too.
COVERAGE_PROCESS_START=$PWD/pyproject.toml
export COVERAGE_PROCESS_START
# The browser driver keeps an event loop running in its process: its tests run by themselves.
step coverage run -m pytest -n 2 -m "not browser" ${PYTEST_FLAGS:-}
# WebGL in software on shared cores now and then outlasts a wait: what fails must fail twice, the
# second time with the machine to itself.
step coverage run -m pytest -n 2 -m browser ${PYTEST_FLAGS:-} ||
    step coverage run -m pytest -m browser --last-failed ${PYTEST_FLAGS:-}
unset COVERAGE_PROCESS_START
step coverage combine --quiet
step coverage report --fail-under "$least_coverage"
