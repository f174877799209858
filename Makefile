# make run    makes the environment, then opens the app (where there is no terminal, trains without one)
# make test   makes the environment, then runs the tests
# make fast   the tests of pure functions alone, in some seconds: while one works
# make check  lint, format, types and the laws of who may import whom
# make bench  what things cost, beside the seed's loops
# make screenshots  the pictures in screenshots/, from the real app
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test fast check format bench screenshots clean

run: .venv/ready
	@if [ -t 0 ] && [ -t 1 ] && [ -t 2 ]; then $(BIN)/tms-tui; else \
	  echo "no terminal here, so no app: training with tms train instead" >&2; $(BIN)/tms train; fi

test: .venv/ready
	$(BIN)/pytest -n auto --dist worksteal

fast: .venv/ready
	$(BIN)/pytest -n auto --dist worksteal -m "not slow"

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPY_NUM_WORKERS=auto $(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/ready
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/lanes.py
	$(BIN)/python benchmarks/data.py
	$(BIN)/python benchmarks/polytopes.py
	$(BIN)/python benchmarks/frames.py
	$(BIN)/python benchmarks/app.py
	$(BIN)/python benchmarks/population.py

screenshots: .venv/ready
	$(BIN)/python screenshots/make.py

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "tms needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check -c constraints.txt -e '.[dev,html]'
	@touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
