# Every target makes .venv itself: a bare machine needs make and Python 3.11 or newer, nothing else.
.DEFAULT_GOAL := help
.PHONY: help demo test check coverage hooks bench test-long docs screenshots lock clean
BIN := .venv/bin
STAMP := .venv/installed
SPARK := .venv/installed-spark
PYTHONS := python3.11 python3.12 python3.13 python3.14 python3
export BENTOML_DO_NOT_TRACK := True
export MLFLOW_DISABLE_TELEMETRY := true

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1\t/' | expand -t 20

# The stamp is newer than what it was made from, so the installation happens once.
$(STAMP): requirements.lock pyproject.toml
	@set -e; for p in $(PYTHONS); do \
	  if $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python=$$p; break; fi; \
	done; \
	if [ -z "$${python:-}" ]; then \
	  echo 'Foresell needs Python 3.11 or newer with its venv module. Found: none among $(PYTHONS).' >&2; \
	  echo 'Next: install it (Debian: apt-get install python3 python3-venv), then run make again.' >&2; exit 1; \
	fi; \
	[ -x $(BIN)/python ] || $$python -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)  ## the main job end to end, then served; DATA=flights for the public record, ARGS=--exit ends after the example
	$(BIN)/foresell demo $(if $(DATA),--data $(DATA)) $(ARGS)

# pyspark is large, so only a machine with Java gets it; elsewhere the Spark tests skip.
$(SPARK): $(STAMP) requirements-spark.lock
	@if command -v java >/dev/null; then \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-spark.lock; \
	fi
	@touch $@

test: $(STAMP) $(SPARK)  ## the whole suite but the long property tests
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not long" $(ARGS)

check: $(STAMP)  ## style, types, import rules and the fast tests: under a minute
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "not slow and not long" $(ARGS)

coverage: $(STAMP) $(SPARK)  ## the suite, and the share of statements and branches that it runs; pages in var/coverage
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "not long" --cov --cov-report=html $(ARGS)
	@for package in features models serving; do \
	  echo "$$package: $$($(BIN)/coverage report --include="$$package/*" --format=total)%"; \
	done
	$(BIN)/coverage report --fail-under=90 --format=total

hooks: $(STAMP)  ## git runs the linters before each commit
	$(BIN)/pre-commit install

test-long: $(STAMP)  ## the long property tests
	$(BIN)/python -m pytest -m long $(ARGS)

bench: $(STAMP)  ## every benchmark, or one with ONLY=name; results under benchmarks/results, rendered in docs/benchmarks.md
	$(BIN)/python -m benchmarks.run $(if $(ONLY),--only $(ONLY))

docs: $(STAMP)  ## the generated pages and the README's table
	$(BIN)/python -m docs.build

screenshots: $(STAMP)  ## pictures of the review pages for README and docs, from the demo's marketplace
	$(BIN)/python -m benchmarks.screenshots

lock: $(STAMP)  ## requirements.lock from pyproject.toml, keeping the versions it names
	$(BIN)/uv pip compile pyproject.toml --extra demo --extra tune --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --quiet -o requirements.lock
	grep -o 'pyspark[^"]*' pyproject.toml | head -1 | $(BIN)/uv pip compile - --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --quiet -o requirements-spark.lock

clean:  ## everything made here but the committed files
	rm -rf .venv var dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
