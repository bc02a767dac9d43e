# Two commands for people: `make demo` and `make test`. The rest is what they are made of.
# PYTHON=python3.12 chooses the interpreter, DEMO="--shipments 200 --speed 60" what the demo shows.

DEMO ?=
BIN := .venv/bin
RUN := .venv/.installed-run
DEV := .venv/.installed-dev

.PHONY: help demo test check format env lock clean

help:
	@echo "make demo    start everything on this machine and print the address; Ctrl-C stops it"
	@echo "make test    run every check and test, browser tests included"
	@echo "make check   format, lint, types and import rules only"
	@echo "make format  rewrite the sources to the format that 'make check' wants"
	@echo "make lock    compile requirements.lock and requirements-dev.lock (UPGRADE=1: newest)"
	@echo "make clean   remove .venv and what checks leave behind; the state in .puente stays"

demo: $(RUN)
	@exec $(BIN)/puente up --demo $(DEMO)

test: $(DEV)
	@sh scripts/browser.sh
	@sh scripts/check.sh all

check: $(DEV)
	@sh scripts/check.sh static

format: $(DEV)
	$(BIN)/ruff check --fix --select I
	$(BIN)/ruff format

env: $(DEV)

# pyproject.toml counts too: it names the commands that the installation creates.
$(RUN): requirements.lock pyproject.toml scripts/environment.sh
	@sh scripts/environment.sh run

$(DEV): requirements-dev.lock requirements.lock pyproject.toml scripts/environment.sh
	@sh scripts/environment.sh dev

lock:
	@sh scripts/lock.sh $(if $(UPGRADE),--upgrade)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* *.egg-info
