# Everything is made by these targets alone: `make help` lists them.
#
#   make demo PYTHON=python3.12     name the interpreter (3.11 to 3.13) for a new .venv
#   make test PYTEST_ARGS="-k data" choose tests

# The first of these that the locked packages have wheels for.
SUITS = import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
    $$p -c '$(SUITS)' 2> /dev/null && echo $$p && break; done)
VENV ?= .venv
PYTEST_ARGS ?=
DEMO_ARGS ?=

BIN := $(VENV)/bin
READY := $(VENV)/.ready
# nbgrader looks for `alembic` on the PATH when it makes a gradebook.
export PATH := $(abspath $(BIN)):$(PATH)
# A run must not depend on what pip's or Python's own settings of a user say.
export PYTHONNOUSERSITE := 1

.DEFAULT_GOAL := help
.PHONY: help venv demo test lint format bench release release-check lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(READY) ## make .venv with the locked packages (every target does so when it must)

# The stamp makes a second run start at once; a changed lock or pyproject.toml installs again.
# Two calls, because pip refuses an editable package among hashed requirements.
$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(SUITS)' || { \
	    echo "This needs Python 3.11, 3.12 or 3.13, and $(or $(PYTHON),python3) is none of them."; \
	    echo "Install one, or name it: make PYTHON=/path/to/python3.12"; \
	    exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	    rm -rf $(VENV); \
	    echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; \
	    exit 2; }
	@echo "Installing the locked packages into $(VENV) (about 3 GB on disk; a few minutes, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## make a course, a class of submissions, grade it and show the table
	@$(BIN)/autograder demo $(DEMO_ARGS)

test: $(READY) ## run the tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(READY) ## ruff on code and notebooks, mypy --strict on the package
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict autograder

format: $(READY) ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## measure what README promises about speed
	$(BIN)/python -m pytest tests/benchmarks --benchmarks $(PYTEST_ARGS)

# Students' versions of all assignments, generated from solutions/ by stock nbgrader. The gradebook
# is a throwaway: the course's own one is filled when an instructor releases an assignment.
define generate
	@set -e; work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; mkdir "$$work/assignments"; \
	for folder in solutions/*/; do \
	    test -e "$$folder" || continue; \
	    $(BIN)/nbgrader generate_assignment "$$(basename "$$folder")" --force \
	        --db "sqlite:///$$work/gradebook.db" \
	        --CourseDirectory.release_directory="$$work/assignments" > "$$work/log" 2>&1 \
	        || { cat "$$work/log"; exit 1; }; \
	done;
endef

release: $(READY) ## generate assignments/ from solutions/
	$(generate) \
	if diff -qr "$$work/assignments" assignments > /dev/null 2>&1; then \
	    echo "assignments/ is up to date"; \
	else \
	    rm -rf assignments; mv "$$work/assignments" assignments; echo "assignments/ is generated"; \
	fi

release-check: $(READY) ## fail when assignments/ is not what solutions/ gives
	$(generate) \
	diff -r "$$work/assignments" assignments > "$$work/difference" 2>&1 || { \
	    head -n 20 "$$work/difference" | cut -c 1-160; \
	    echo "assignments/ is stale: solutions/ gives something else. Run 'make release' and commit assignments/."; \
	    exit 1; }; \
	echo "assignments/ is up to date"

lock: $(READY) ## resolve requirements.lock again, for all platforms (needs uv on the PATH)
	env -u PIP_FIND_LINKS UV_NO_CONFIG=1 uv pip compile --quiet --universal --python-version 3.11 \
	    --generate-hashes --no-header --no-annotate \
	    --extra dev pyproject.toml -o requirements.lock

clean: ## remove .venv, caches and what a demo left
	rm -rf $(VENV) build dist *.egg-info demo-course .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
