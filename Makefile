# make help says what there is.
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
# Compiled modules halve the start of every process here, so they are kept whatever the machine's habit is.
export PYTHONDONTWRITEBYTECODE =
# What make has started ends with it, even if make is killed.
WITH_MAKE = FOCUS_ENDS_WITH=$$PPID

.PHONY: help acceptance plan shard merge test nightly faults repeat lint bench real extras lock

help:
	@printf '%s\n' \
		'make acceptance [ENV=sandbox] [TAGS="expr"]     the features against an environment; sets everything up first' \
		'                [PARALLEL=4]                    so many scenarios side by side; by default what the environment says' \
		'                [FAILED=1] only what failed last time, [OPEN=1] shows the page, [CONFIRM=name] permits load on a site' \
		'                [RUN_FILE=file] on a sandbox that runs already, [REPORTS=folder] reports there and not in reports/' \
		'make plan [SHARDS=3] [ENV=sandbox] [TAGS="expr"] who runs what, where a run is split among testers: reports/plan.json' \
		'make shard INDEX=0 [ENV=sandbox]                one share of that plan, from 0; its reports: reports/shards/0' \
		'make merge                                      one run of the shares in reports/shards' \
		'make test                                       static checks, unit tests, sandbox contracts, a small fault matrix' \
		'make nightly                                    the tests that take too long for every change, and all mutants' \
		'make repeat [N=10] [ENV=sandbox] [TAGS="expr"]  the features N times, shuffled and under load: what is flaky' \
		'make faults [FAULT=id | PROFILE=name] [PARALLEL=4] the whole fault matrix, or a profile and what must fail on it' \
		'make lint                                       static checks only' \
		'make bench                                      what the load engines add to a latency, and what naive clients would' \
		'make real                                       on a cluster of kind, a MongoDB and OpenSSH hosts, which must be there' \
		'make extras                                     also install what only some sites need: grpcio and Locust' \
		'make lock                                       renew the locks of requirements/ (UPGRADE=1: with newer versions)' \
		'PYTHON=/path/to/python names the Python that .venv is made with. Windows: docs/qa-engineer.md'

acceptance: .venv/.run-ready
	@$(BIN)/python -m support.hooks.asked '$(TAGS)'
	@$(if $(FAILED),tags=$$($(BIN)/focus-acceptance report failed --reports '$(REPORTS)') && )$(WITH_MAKE) $(BIN)/python -m behave \
		-D env=$(ENV) -D reports='$(REPORTS)' $(if $(RUN_FILE),-D sandbox_run_file='$(RUN_FILE)') \
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
