# `make run` sets up and runs everything; `make test` sets up and passes all tests.
# Python 3.11, 3.12 or 3.13 for the application, Python 3.10 for training with Rasa; each is
# looked for on the PATH, under pyenv and by uv. Name another with PYTHON=... or PYTHON_NLU=...

SHELL := /bin/bash
VENV := .venv
VENV_NLU := .venv-nlu
PY := $(VENV)/bin/python
FLASK := $(VENV)/bin/flask

.DEFAULT_GOAL := help
.PHONY: help setup model adapter migrate run test soak check docs format clean

help:
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1	\2/' | expand -t 16

setup: $(VENV)/.installed $(VENV_NLU)/.installed ## environments for the application and for training

$(VENV)/.installed: requirements.txt requirements-dev.txt training/requirements.txt
	@echo "-- application environment: installing (a minute)"
	@python=$$(scripts/find-python app "$(PYTHON)") && [ -x $(PY) ] || "$$python" -m venv $(VENV)
	@$(PY) -m pip install --disable-pip-version-check -q -r requirements-dev.txt -r training/requirements.txt
	@touch $@

$(VENV_NLU)/.installed: nlu_data/requirements.txt
	@echo "-- training environment: installing Rasa (two to five minutes, 2.7 GB)"
	@python=$$(scripts/find-python nlu "$(PYTHON_NLU)") && [ -x $(VENV_NLU)/bin/python ] || "$$python" -m venv $(VENV_NLU)
	@$(VENV_NLU)/bin/python -m pip install --disable-pip-version-check -q -r nlu_data/requirements.txt
	@touch $@

model: setup ## train the model, unless one of the same data is there
	@$(PY) -m training.train

adapter: setup ## tune the sentence encoder to the examples anew (an hour, PyTorch)
	@python=$$(scripts/find-python app "$(PYTHON)") && [ -x .venv-adapter/bin/python ] || "$$python" -m venv .venv-adapter
	@.venv-adapter/bin/python -m pip install --disable-pip-version-check -q -r training/adapter-requirements.txt
	@.venv-adapter/bin/python -m training.adapter

migrate: $(VENV)/.installed ## bring the database up to this version
	@$(FLASK) migrate

run: model ## everything, with a phone simulator: web, worker, simulator
	@exec $(PY) app.py

test: model ## all tests
	@scripts/ensure-chromium
	@$(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m mypy
	@$(PY) -m pytest -n 2 --dist loadgroup

soak: $(VENV)/.installed ## 100,000 random steps against the invariants (half an hour; SOAK="--steps 5000 --seed 7")
	@$(PY) -m tests.soak $(SOAK)

check: $(VENV)/.installed ## style and types alone
	@$(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m mypy

docs: $(VENV)/.installed ## docs/conversations.md from the conversations of the tests
	@$(PY) -m tests.bot.transcripts

format: $(VENV)/.installed ## put the code into house form
	@$(PY) -m ruff check --fix-only -q . && $(PY) -m ruff format -q .

clean: ## remove environments, models and the local database
	rm -rf $(VENV) $(VENV_NLU) .venv-adapter var
