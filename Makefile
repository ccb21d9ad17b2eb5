# Run `make help` for a list of targets.
ENV ?= sandbox
TAGS ?=
FAILED ?=
OPEN ?=
CONFIRM ?=
RUN_FILE ?=
REPORTS ?= reports
FAULT ?=
N ?= 10
PARALLEL ?=
SHARDS ?= 3
INDEX ?=
PROFILE ?=
BIN = .venv/bin
# Compiled modules halve the start-up time of each process, so they are kept regardless of the machine's settings.
export PYTHONDONTWRITEBYTECODE =
# Processes that make has started end with it, even if make is killed.
WITH_MAKE = FOCUS_ENDS_WITH=$$PPID

.PHONY: help acceptance plan shard merge test nightly faults repeat lint bench real extras lock

help:
	@printf '%s\n' \
		'make acceptance [ENV=sandbox] [TAGS="expr"]     run the features against an environment; sets everything up first' \
		'                [PARALLEL=4]                    number of scenarios side by side; the environment sets the default' \
		'                [FAILED=1] run only what failed last time, [OPEN=1] open the page, [CONFIRM=name] permit load on a site' \
		'                [RUN_FILE=file] use a sandbox that already runs, [REPORTS=folder] write reports there, not in reports/' \
		'make plan [SHARDS=3] [ENV=sandbox] [TAGS="expr"] split a run among testers; the plan is reports/plan.json' \
		'make shard INDEX=0 [ENV=sandbox]                run one share of that plan, counted from 0; its reports: reports/shards/0' \
		'make merge                                      merge the shares in reports/shards into one run' \
		'make test                                       run static checks, unit tests, sandbox contracts, a small fault matrix' \
		'make nightly                                    run the tests that take too long for every change, and all mutants' \
		'make repeat [N=10] [ENV=sandbox] [TAGS="expr"]  run the features N times, shuffled and under load, to find what is flaky' \
		'make faults [FAULT=id | PROFILE=name] [PARALLEL=4] run the whole fault matrix, or a profile and what must fail on it' \
		'make lint                                       run static checks only' \
		'make bench                                      measure the latency that load engines and naive clients add' \
		'make real                                       run on a kind cluster and a MongoDB, which must exist, and on OpenSSH hosts' \
		'make extras                                     also install packages that only some sites need: grpcio and Locust' \
		'make lock                                       renew the locks in requirements/ (UPGRADE=1: with newer versions)' \
		'PYTHON=/path/to/python selects the Python for .venv. Windows: docs/qa-engineer.md'

acceptance: .venv/.run-ready
	@$(if $(FAILED),tags=$$($(BIN)/focus-acceptance report failed --reports '$(REPORTS)') && )$(WITH_MAKE) $(BIN)/python -m support.hooks.launch \
		'$(TAGS)' -D env=$(ENV) -D reports='$(REPORTS)' $(if $(RUN_FILE),-D sandbox_run_file='$(RUN_FILE)') \
		$(if $(PARALLEL),-D parallel=$(PARALLEL)) $(if $(CONFIRM),-D confirm=$(CONFIRM)) $(if $(FAILED),--tags="($$tags)") \
		$(if $(TAGS),--tags='($(TAGS)) and not (@wip or @quarantine)')$(if $(OPEN),; code=$$?; \
		$(BIN)/focus-acceptance report open --reports '$(REPORTS)'; exit $$code)

plan: .venv/.run-ready
	@$(BIN)/focus-acceptance shard plan --shards $(SHARDS) -e $(ENV) --tags '$(TAGS)' \
		--reports '$(REPORTS)' --output '$(REPORTS)/plan.json'

shard: .venv/.run-ready
	@$(WITH_MAKE) $(BIN)/focus-acceptance shard run --plan '$(REPORTS)/plan.json' $(if $(INDEX),--index $(INDEX)) \
		-e $(ENV) --reports '$(REPORTS)'

merge: .venv/.run-ready
	@$(BIN)/focus-acceptance report merge '$(REPORTS)'/shards/* --reports '$(REPORTS)'

test: lint
	$(WITH_MAKE) $(BIN)/python -m pytest -q -n 4 --no-loadscope-reorder
	$(WITH_MAKE) $(BIN)/focus-acceptance faults --subset

nightly: .venv/.test-ready
	$(WITH_MAKE) $(BIN)/python -m pytest -q -n 2 --no-loadscope-reorder -m nightly
	$(WITH_MAKE) $(BIN)/python -m tools.mutants run

faults: .venv/.run-ready
	@$(WITH_MAKE) $(BIN)/focus-acceptance faults $(if $(FAULT),--fault $(FAULT)) $(if $(PROFILE),--profile $(PROFILE)) \
		$(if $(PARALLEL),--parallel $(PARALLEL))

repeat: .venv/.run-ready
	@$(WITH_MAKE) $(BIN)/focus-acceptance repeat --times $(N) -e $(ENV) --tags '$(TAGS)'

bench: .venv/.extras-ready
	@$(WITH_MAKE) $(BIN)/python -m tools.bench

real: .venv/.run-ready
	@sh scripts/real.sh

lint: .venv/.test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tools.gherkin_lint.lint
	$(BIN)/python -m tools.gherkin_lint.phrases

extras: .venv/.extras-ready

lock: .venv/.test-ready
	@sh scripts/lock.sh

.venv/.%-ready: requirements/%.txt pyproject.toml
	@sh scripts/venv.sh $*
