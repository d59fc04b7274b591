# Two targets for everybody: `make run` and `make test`. Both make the environment first if there is none.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: run test check docs clean

run: $(STAMP)
	$(BIN)/twinlens quickstart

test: check
	$(BIN)/python -m pytest

check: $(STAMP)
	$(BIN)/ruff check src tests tools benchmarks
	$(BIN)/ruff format --check src tests tools benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(STAMP)
	$(BIN)/python tools/config_reference.py
	$(BIN)/python tools/cli_reference.py
	$(BIN)/twinlens results table --write README.md
	$(BIN)/twinlens results readme

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all]'
	touch $@

clean:
	rm -rf $(VENV) runs
