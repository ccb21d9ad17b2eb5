# make acceptance [ENV=sandbox] [TAGS="expr"]   the features against an environment
# make test                                     static checks, unit tests, sandbox contracts, a small fault matrix
# make repeat [N=10] [ENV=sandbox] [TAGS="expr"]  the features N times, shuffled and under load: what is flaky
# make faults [FAULT=id | PROFILE=name]         the whole fault matrix, or a profile and what must fail on it
# make lint                                     static checks only
# make bench                                    what the load engine adds to a latency, and what naive clients would
ENV ?= sandbox
TAGS ?=
FAULT ?=
N ?= 10
PROFILE ?=
BIN = .venv/bin
# Compiled modules halve the start of every process here, so they are kept whatever the machine's habit is.
export PYTHONDONTWRITEBYTECODE =

.PHONY: acceptance test faults repeat lint bench

acceptance: .venv/.run-ready
	@$(BIN)/python -m support.gherkin.tags '$(TAGS)'
	@$(BIN)/python -m behave -D env=$(ENV) $(if $(TAGS),--tags='($(TAGS)) and not (@wip or @quarantine)')

test: lint
	$(BIN)/python -m pytest -q -n 3 --dist loadfile
	$(BIN)/focus-acceptance faults --subset

faults: .venv/.run-ready
	@$(BIN)/focus-acceptance faults $(if $(FAULT),--fault $(FAULT)) $(if $(PROFILE),--profile $(PROFILE))

repeat: .venv/.run-ready
	@$(BIN)/focus-acceptance repeat --times $(N) -e $(ENV) --tags '$(TAGS)'

bench: .venv/.run-ready
	@$(BIN)/python -m tools.bench

lint: .venv/.test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tools.gherkin_lint.lint
	$(BIN)/python -m tools.gherkin_lint.phrases

.venv/.run-ready: requirements/run.txt pyproject.toml
	@sh scripts/venv.sh run

.venv/.test-ready: requirements/test.txt pyproject.toml
	@sh scripts/venv.sh test
