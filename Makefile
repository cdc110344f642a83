# Tallystick. `make` alone lists what there is.
#
# Every target sets up what it needs first (scripts/setup.py); a second run skips that at once.
# Nothing outside this folder is touched but the caches of pip, uv and npm.

PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
NPM := node_modules
# ONCE=1 does the main job and exits; empty, 0, no and false stay up.
ONCE_FLAG = $(if $(filter-out 0 no false,$(ONCE)),--once)

.DEFAULT_GOAL := help
.PHONY: help run test e2e crash fuzz lint format bench clean setup-run setup-dev

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

run: setup-run ## The main job, then the dashboard [ONCE=1: exit after the job] [PORT=8000]
	@exec $(BIN)/tally demo --port $(PORT) $(ONCE_FLAG)

test: setup-dev ## Every test: contracts (forge), dashboard (vitest), browser, the rest (pytest) [ARGS="-k name"]
	@$(BIN)/python -m scripts.test $(ARGS)

e2e: setup-dev ## The journey in a headless Chromium; screenshots in var/e2e [ARGS="-k name"]
	@REQUIRE_BROWSER=1 $(BIN)/python -m pytest tests/e2e $(ARGS) && echo "Screenshots: var/e2e"

crash: setup-dev ## Kill every process, again and again, and count what broke [ARGS="--resume"]
	@exec $(BIN)/python -m scripts.crash $(ARGS)

fuzz: setup-dev ## Hostile bytes for every parser of proofs, 2,000 inputs each and kind [N=2000]
	@FUZZ_EXAMPLES=$(or $(N),2000) $(BIN)/python -m pytest tests/anchoring/test_fuzz.py --timeout 0 $(ARGS)

lint: setup-dev ## ruff, mypy --strict, import-linter, forge fmt, biome, tsc
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m scripts.forge fmt --check
	cd frontend && node $(NPM)/@biomejs/biome/bin/biome check .
	cd frontend && node $(NPM)/typescript/bin/tsc --noEmit

format: setup-dev ## Rewrite the sources as lint wants them
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -m scripts.forge fmt
	cd frontend && node $(NPM)/@biomejs/biome/bin/biome check --write .

bench: setup-dev ## Measure beside the named peers and floors
	@exec $(BIN)/python -m scripts.bench $(ARGS)

clean: ## Remove what set-up and the tools made; your data in var/ stays
	rm -rf .venv node_modules frontend/node_modules frontend/dist var/cache var/e2e .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf .import_linter_cache build *.egg-info contracts/out contracts/cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup-run:
	@$(PYTHON) scripts/setup.py runtime

setup-dev:
	@$(PYTHON) scripts/setup.py dev
