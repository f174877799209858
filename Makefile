# make run    makes the environment, then trains the seed's experiment
# make test   makes the environment, then runs the tests
# make check  lint, format, types and the laws of who may import whom
# make bench  what the engine's data and colours cost beside the seed's loops
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test check format bench clean

run: .venv/ready
	$(BIN)/tms train

test: .venv/ready
	$(BIN)/pytest -n auto --dist loadscope

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/ready
	$(BIN)/python benchmarks/data.py

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "tms needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check -c constraints.txt -e '.[dev,html]'
	@touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
