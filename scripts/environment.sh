#!/bin/sh
# Create .venv in the checkout and install exactly what a lock file names: `run` or `dev`.
# Uses nothing but python3 and pip. The stamp file makes the second start instant.
set -eu

cd "$(dirname "$0")/.."
kind=${1:?usage: environment.sh run|dev}
case $kind in
run) lock=requirements.lock ;;
dev) lock=requirements-dev.lock ;;
*) echo "environment.sh: '$kind' is neither run nor dev" >&2; exit 2 ;;
esac

fail() {
    echo "puente: $1" >&2
    exit 1
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

choose_python() {
    if [ -n "${PYTHON:-}" ]; then
        new_enough "$PYTHON" || fail "PYTHON=$PYTHON is not Python 3.11 or newer; name one that is"
        echo "$PYTHON"
        return
    fi
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed, found: $(python3 --version 2>&1 || true);\
 install one, or name it with PYTHON=/path/to/python3"
}

# An environment whose interpreter is gone (moved checkout, upgraded Python) is made again.
if [ -e .venv ] && ! new_enough .venv/bin/python; then
    echo "puente: .venv is unusable here and is made again"
    rm -rf .venv
fi
if [ ! -e .venv ]; then
    python=$(choose_python)
    echo "puente: creating .venv with $("$python" --version)"
    if ! "$python" -m venv .venv >/dev/null 2>&1; then
        # Debian ships venv without pip unless python3-venv is installed; a system pip can help.
        rm -rf .venv
        "$python" -m venv --without-pip .venv 2>/dev/null ||
            fail "'$python -m venv' does not work here; install it (Debian: apt-get install python3-venv)"
        "$python" -m pip --python .venv/bin/python install --quiet pip 2>/dev/null || {
            rm -rf .venv
            fail "'$python -m venv' cannot provide pip; install it (Debian: apt-get install python3-venv)"
        }
    fi
fi

pip() {
    .venv/bin/python -m pip --disable-pip-version-check "$@"
}

echo "puente: installing $(grep -c '^[a-zA-Z0-9].*==' "$lock") packages from $lock"
quiet=--quiet
[ -t 1 ] && quiet='--progress-bar=on'
# Compiling every module takes longer than installing; Python compiles what is used when used.
pip install $quiet --no-compile --no-deps --require-hashes -r "$lock" ||
    fail "the packages of $lock could not be installed; see the lines above"
# The build backend is in the lock, so that building needs no download of its own.
pip install --quiet --no-deps --no-build-isolation -e . ||
    fail "this checkout could not be installed into .venv; see the lines above"

touch .venv/.installed-run
if [ "$kind" = dev ]; then
    touch .venv/.installed-dev
else
    # A run-time lock may have changed versions under the development one.
    rm -f .venv/.installed-dev
fi
