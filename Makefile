# Two commands for a fresh clone: `make song` and `make test`. Both build what they need; a second call finds it built.
#
#   PYTHON          the Python to build with, 3.11 or newer (found by itself when not given)
#   TORCH_PIP_ARGS  extra arguments for installing torch, such as an index that holds the build you want
#   PYTEST_ARGS     extra arguments for pytest, such as `-k midi` or `-n 0`
#   SONG            the file that `make song` writes
#   GENERATE_ARGS   extra arguments for `phraseloom generate`, such as `--bars 32 --seed 7`

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?=
TORCH_PIP_ARGS ?=
PYTEST_ARGS ?= -n auto --dist loadgroup
SONG ?= song.mid
GENERATE_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTHON_CANDIDATES := python3 python3.13 python3.12 python3.11 python
TORCH_FOR_CPU := torch==2.13.0
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
NODE := $(shell command -v node)

.PHONY: help song test check format clean

help:
	@echo "make song     build the environment and generate $(SONG)"
	@echo "make test     build the environment and run the tests"
	@echo "make check    lint, formatting and types"
	@echo "make format   put the code into its format"
	@echo "make clean    remove the environment and every cache"

song: $(VENV)/.installed
	@$(BIN)/phraseloom generate --output "$(SONG)" $(GENERATE_ARGS)

test: $(VENV)/.installed-dev $(if $(CHROMIUM),$(VENV)/.installed-browser)
	@$(BIN)/python -m pytest $(PYTEST_ARGS)
ifneq ($(NODE),)
	@$(NODE) --test tests/page/*.test.js
else
	@echo "The page's modules were NOT tested: no Node.js here; see CONTRIBUTING.md"
endif
ifeq ($(CHROMIUM),)
	@echo "The page was NOT tested: no Chromium here; see CONTRIBUTING.md"
endif

check: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/ty check --python $(VENV)

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf $(VENV) build .pytest_cache .ruff_cache .hypothesis src/*.egg-info
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Candidates are run, not only looked up: a version manager's shim can be on the PATH and still refuse to start.
$(VENV)/.created:
	@for python in $(or $(PYTHON),$(PYTHON_CANDIDATES)); do \
		if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
			echo "Creating $(VENV) with $$("$$python" --version)"; \
			"$$python" -m venv --clear $(VENV) && touch $@ && exit 0; \
		fi; \
	done; \
	echo "error: no Python 3.11 or newer with its venv module among: $(or $(PYTHON),$(PYTHON_CANDIDATES))" >&2; \
	echo "  Install one (Debian and Ubuntu: python3 and python3-venv), or name it: make PYTHON=/path/to/python3" >&2; \
	exit 1

# Without an NVIDIA driver the CUDA libraries, gigabytes of them, would be fetched for nothing.
$(VENV)/.installed: $(VENV)/.created pyproject.toml
	@if [ -n "$(TORCH_PIP_ARGS)" ] || ! nvidia-smi >/dev/null 2>&1; then \
		echo "Installing $(TORCH_FOR_CPU)"; \
		$(PIP) $(TORCH_PIP_ARGS) "$(TORCH_FOR_CPU)"; \
	fi
	@echo "Installing phraseloom and what it needs"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing the tools for tests and checks"
	@$(PIP) --editable ".[dev]"
	@touch $@

$(VENV)/.installed-browser: $(VENV)/.installed-dev
	@echo "Installing what drives the browser"
	@$(PIP) --editable ".[browser]"
	@touch $@
