# Parley's commands. Every target first makes .venv with the pinned dependencies.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo demo-reset test test-all check bench chaos

setup: .venv/.done

.venv/.done: requirements.lock
	@echo "Installing the pinned dependencies into .venv (once, about a minute) ..."
	@$(PYTHON) -c 'import sys; sys.exit("Parley needs Python 3.11 or newer; set PYTHON=python3.12, for example." if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement requirements.lock
	@touch $@

demo: setup
	@exec $(BIN)/python -m bot demo

demo-reset: setup
	@$(BIN)/python -m bot demo --reset

test: setup
	$(BIN)/python -m pytest -n auto --dist loadfile --reruns 2 -m "not browser and not mailserver and not chaos and not slow"

test-all: setup
	$(BIN)/python -m pytest -n auto --dist loadfile --reruns 2 -m "not chaos"
	$(BIN)/python -m pytest --reruns 1 -m chaos tests/e2e

bench: setup
	@$(BIN)/python -m tests.bench $(if $(PEERS),--peers .data/bench)

chaos: setup
	$(BIN)/python -m pytest -s -m chaos tests/chaos

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
