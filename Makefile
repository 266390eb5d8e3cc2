# Every target sets itself up: a fresh clone needs Python 3.11+, pip and gcc, and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The environment's inputs by content: the tools' settings and a file's date rebuild nothing.
INPUTS := $(shell sed '/^\[tool\./,$$d' pyproject.toml | cat - constraints.txt | cksum | tr ' ' '-')
STAMP := $(VENV)/.installed-$(INPUTS)
RESULTS := results
# Worker processes of the test run.
JOBS ?= 2
# pyright comes as a wheel: keep it from asking the network for a newer one.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.PHONY: help setup parity hunt pairs rare-places test lint format types imports accuracy bench docs ci clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## the environment in .venv, pinned by constraints.txt

# Built anew from nothing when an input changes, so that no leftover package survives.
$(STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "jaxact needs Python 3.11 or newer; say which with: make PYTHON=python3.11")'
	@echo 'setting up $(VENV): one to three minutes, and again only when its inputs change'
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt hatchling hatch-fancy-pypi-readme editables
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[dev]'
	@touch $@

parity: $(STAMP)  ## prove every function against torch, train a network alike in both
	@mkdir -p $(RESULTS)
	$(BIN)/python -m parity run --json $(RESULTS)/parity.json --html $(RESULTS)/parity.html
	$(BIN)/python -m experiments run training_parity --out $(RESULTS)
	@echo 'report:  $(RESULTS)/parity.html'
	@echo 'figure:  $(RESULTS)/training_parity.png'

test: $(STAMP)  ## every test
	$(BIN)/python -m pytest -n $(JOBS)

lint: $(STAMP)  ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMP)  ## mend style where that can be done by machine
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(STAMP)  ## types, strict on jaxact and parity
	$(BIN)/pyright --pythonpath $(BIN)/python

imports: $(STAMP)  ## who may import whom
	$(BIN)/lint-imports

hunt: $(STAMP)  ## random calls of every domain for MINUTES (10) from SEED (0) on
	$(BIN)/python -m parity hunt --minutes $(or $(MINUTES),10) --seed $(or $(SEED),0)

pairs: $(STAMP)  ## every pair of choices of every domain, and random calls: hours
	$(BIN)/python -m parity run --check calls --pairs --draws 200

rare-places: $(STAMP)  ## how many functions that are wrong at one rare place are caught: hours
	$(BIN)/python -W ignore -m tests.parity.rare_places

accuracy: $(STAMP)  ## measure errors against real arithmetic, write docs/accuracy.md
	$(BIN)/python -m experiments run accuracy --table docs/accuracy.md

bench: $(STAMP)  ## measure speed against jax.nn, flax, optax and torch, write the pages of docs about it
	$(BIN)/python -m experiments bench activations --table docs/speed.md
	$(BIN)/python -m experiments bench losses --table docs/loss_cost.md
	$(BIN)/python -m experiments bench regularizers --table docs/regularizer_cost.md
	$(BIN)/python -m experiments bench optim --table docs/optimizer_cost.md
	$(BIN)/python -m experiments bench compiling --table docs/compiling.md

docs: $(STAMP)  ## measure parity again, write the README's table and the families' pages
	@mkdir -p $(RESULTS)
	$(BIN)/python -m parity run --json $(RESULTS)/parity.json
	$(BIN)/python docs/generate.py $(RESULTS)/parity.json

ci: $(STAMP)  ## what a change must pass
	bash .ci/run

clean:  ## remove the environment, results and caches
	rm -rf $(VENV) $(RESULTS) dist build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
