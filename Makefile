# fabroute: everything that a newcomer or the continuous integration needs. `make` alone lists it.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.complete
PYTHON ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE VIRTUAL_ENV

.DEFAULT_GOAL := help
.PHONY: help setup browser test-console demo demo-stop test drills check check-types check-openapi check-imports check-style check-supplies coverage bench-quote bench-files bench-holds bench-routing bench-gap bench-rolling bench-online bench-scopes bench-readiness bench-intake bench-queue bench-reports bench-recall bench-reroute bench-keys bench-webhooks bench-audit bench-backup bench-console bench-growth bench-e2e soak fuzz fuzz-api chaos chaos-guards state-machine poison overload relay-kills frozen broker-outage export-networks sbom lint-api matrix client format lock clean bench-brokers hosts

help:
	@echo "make demo        order, route and print a table of outcomes, all on this machine (KEEP=1 leaves it running)"
	@echo "make demo-stop   stop a demo that was left running"
	@echo "make setup       make .venv with everything pinned (other targets do it when needed)"
	@echo "make browser     install Debian's Chromium for the console's tests, where it is missing and you are root"
	@echo "make test        run the tests against embedded PostgreSQL and Redis (ARGS='-k routing' picks some)"
	@echo "make test-console the console's pages in Chromium, at two widths and in two schemes"
	@echo "make drills      installations that are broken on purpose: chaos, poison, a disaster, an upgrade (minutes each)"
	@echo "make check       style, types, import contracts, OpenAPI document, known vulnerabilities: all of these"
	@echo "make check-types mypy alone"
	@echo "make check-style ruff alone"
	@echo "make check-openapi the OpenAPI document alone"
	@echo "make check-imports who may import whom, alone"
	@echo "make check-supplies packages with known vulnerabilities, alone"
	@echo "make coverage    run the tests and report the lines and branches that none of them reaches"
	@echo "make bench-files what the validator makes of real, hostile and huge print files (DIR=../shared/realdata/prints)"
	@echo "make bench-holds how long a revocation takes to hold ten thousand open jobs (JOBS=10000)"
	@echo "make bench-quote how much computing a quote takes (NODES=300 QUANTITIES=5 ASKS=400 SEED=4)"
	@echo "make bench-routing plans, bounds and gaps at size, beside other methods (SIZES='1000x100' UTIL=0.9 SEEDS=1 SECONDS=10 BUILDS=1 LP=1 PROFILE=1)"
	@echo "make bench-rolling a month of arrivals under three policies (SIZE=1000x50 UTIL=0.9 SEEDS=1,2,3,4,5 SECONDS=1)"
	@echo "make bench-online one order at once against many nodes, with reasons (NODES=300)"
	@echo "make bench-scopes two workers on two planning scopes beside one on both (LINES=60 RUNS=3)"
	@echo "make bench-readiness how long a report on readiness takes (NODES=300 PARTS=200 REGIONS=2)"
	@echo "make bench-intake orders placed beside PostgreSQL's own three inserts: ratio, times, processor time, statements (CLIENTS='1 16 64' SECONDS=5 ROUNDS=5 PROCESSES=1)"
	@echo "make bench-queue idle polls, claims beside the floor, offers to parked polls, a race, 10,000 open jobs (ONLY='polls claims')"
	@echo "make bench-reports reports of clients in every order, twice and late (TIMES=5000)"
	@echo "make bench-recall how long a recall takes that meets ten thousand jobs (JOBS=10000)"
	@echo "make bench-reroute how long jobs take to leave their nodes, by cause (JOBS=10000)"
	@echo "make bench-keys  wrong keys by the thousand beside a good client (SECONDS=15 A_MINUTE=10000)"
	@echo "make bench-webhooks events put into feeds, deliveries, a dead receiver (EVENTS=5000 ENDPOINTS=10)"
	@echo "make bench-audit entries sealed in a second, how long a verification takes (ENTRIES=100000)"
	@echo "make bench-backup backup, verification and restore (JOBS=10000 FILES=1000)"
	@echo "make bench-console what each page of the console takes: time, statements, bytes (ORDERS=10000 TIMES=100)"
	@echo "make bench-growth whether cost grows with what has piled up (ORDERS='10000 100000 1000000' OPEN=1000 TIMES=200 ROUNDS=5 KEEP=all)"
	@echo "make bench-e2e   from an order to its bureau at a rate: times, backlog, what each stage takes (RATE=1000 SECONDS=60 APIS=1 ROUTERS=2)"
	@echo "make bench-brokers  Redis and RabbitMQ side by side: hand-offs, computing, losses (HANDOFFS=200 MESSAGES=2000 LOST=600 LINES=100 ROUNDS=3 ONLY=losses)"
	@echo "make hosts       two API hosts, three of workers, a database and a broker in network namespaces, each cut off in turn (SECONDS=20 RATE=4 SEED=7); as root"
	@echo "make soak        whether memory stays flat at a moderate rate (MINUTES=30 RATE=5)"
	@echo "make bench-gap   published assignment problems (DIR=../shared/realdata/gap)"
	@echo "make fuzz        throw changed files at the readers (SECONDS=60 for each, TARGETS='fuzz_stl fuzz_threemf')"
	@echo "make fuzz-api    ask a running installation all that its OpenAPI document promises (SEED=1 SECONDS=180 CALLERS=owner,bureau,operator)"
	@echo "make chaos       orders through random faults, judged by what clients were told (ORDERS=10000 FAULTS=100 SEED=7)"
	@echo "make chaos-guards take each guard away and see what finds that"
	@echo "make state-machine random steps of orders, jobs and nodes beside a model in Python (STEPS=10000 SEED=7)"
	@echo "make poison      orders that hang, crash or fill the solver among good ones (ORDERS=1000 POISON=50)"
	@echo "make overload    twice what a process can take (SECONDS=300 FACTOR=2 SEED=1)"
	@echo "make relay-kills relays killed between a commit and its message (TIMES=1000 SEED=7)"
	@echo "make frozen      workers frozen longer than their lease, in the middle of a run (TIMES=50)"
	@echo "make broker-outage orders while the broker is silent (ORDERS=2000 SEED=7)"
	@echo "make export-networks random networks under export control (NETWORKS=10000 SEED=7)"
	@echo "make sbom        the bill of materials of what is locked, as CycloneDX, into build/"
	@echo "make matrix      every operation asked by owners, bureaus, strangers, revoked keys: who sees what, with counts"
	@echo "make lint-api    lint the OpenAPI document with Spectral (needs npx)"
	@echo "make client    a typed Python client out of the OpenAPI document, into build/"
	@echo "make format      let ruff put the style right"
	@echo "make lock        pin the dependencies of pyproject.toml again (needs uv)"
	@echo "make clean       remove .venv, caches and reports"

setup: $(READY)

# The first of these Pythons that is 3.11 or newer; `make PYTHON=/path/to/python3` names another one.
# Without compiling all packages beforehand (half of the time): each module is compiled when first used.
$(READY): requirements-dev.txt pyproject.toml
	@set -eu; \
	python=; seen=; \
	for candidate in $(if $(PYTHON),'$(PYTHON)',python3.11 python3.12 python3 python3.13); do \
		version=$$("$$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
		seen="$$seen $$candidate is $$version;"; \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "fabroute needs Python 3.11 or newer:$${seen:- no Python found;} install one or run make PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$python can't make virtual environments: install its venv module (Debian, Ubuntu: apt install python3-venv)" >&2; \
		exit 1; \
	fi; \
	if ! $(BIN)/python -c 'import pip, sys; sys.exit("%d.%d" % sys.version_info[:2] != sys.argv[1])' "$$version" 2>/dev/null; then \
		echo "making $(VENV) with Python $$version"; \
		"$$python" -m venv --clear $(VENV); \
	fi; \
	echo "installing $$(grep -c == requirements-dev.txt) pinned packages, half a minute to two minutes"; \
	$(BIN)/python -m pip install -qq --no-compile --require-hashes -r requirements-dev.txt; \
	$(BIN)/python -m pip install -qq --no-build-isolation --no-deps --no-index -e .; \
	touch $(READY)

demo: setup
	@$(BIN)/python -m fabroute.cli demo $(if $(filter-out 0,$(KEEP)),--keep)

demo-stop: setup
	@$(BIN)/python -m fabroute.cli demo --stop

# Without it make test passes by the stories of the console, and says what is missing.
browser:
	@if [ -z "$$CHROMIUM" ] && ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "installing Chromium for the console's tests"; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-core fonts-noto-cjk >/dev/null \
			|| echo "Chromium could not be installed: the console's stories are passed by" >&2; \
		else \
			echo "the console's tests need Chromium: apt-get install chromium, or set CHROMIUM to its path" >&2; \
		fi; \
	fi

test: setup browser
	@$(BIN)/python -m pytest -n 3 --no-loadscope-reorder -m "not drill and (not browser or story)" $(ARGS)

test-console: setup browser
	@[ -n "$$CHROMIUM" ] || command -v chromium >/dev/null || command -v chromium-browser >/dev/null
	@$(BIN)/python -m pytest -n 2 -m browser $(ARGS)

drills: setup
	@$(BIN)/python -m pytest -m drill -ra $(ARGS)

# Side by side, the longest first.
check: setup
	@$(MAKE) --no-print-directory -j2 check-types check-style check-openapi check-imports check-supplies

check-types: setup
	@$(BIN)/python -m mypy

check-openapi: setup
	@$(BIN)/python -m fabroute.cli openapi --check

check-imports: setup
	@PYTHONPATH=services:workers:infra/embedded $(BIN)/lint-imports --no-logo

check-style: setup
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .

check-supplies: setup
	@$(BIN)/python infra/supply_chain/audit.py requirements-dev.txt

coverage: setup browser
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m coverage run -m pytest -n 3 --no-loadscope-reorder -m "not drill" $(ARGS)
	@$(BIN)/python -m coverage combine -q
	@$(BIN)/python -m coverage report

bench-files: setup
	@$(BIN)/python -m tests.benchmarks.bench_files $(DIR)

bench-quote: setup
	@$(BIN)/python -m tests.benchmarks.bench_quote $(foreach name,NODES QUANTITIES ASKS SEED,$(if $($(name)),$(name)=$($(name))))

bench-routing: setup
	@$(BIN)/python -m tests.benchmarks.bench_routing \
		$(foreach name,UTIL SEEDS SECONDS PATIENCE BUILDS LP PROFILE,$(if $($(name)),$(name)=$($(name)))) \
		$(if $(SIZES),"SIZES=$(SIZES)") $(if $(PEERS),"PEERS=$(PEERS)")

bench-rolling: setup
	@$(BIN)/python -m tests.benchmarks.bench_rolling $(foreach name,SIZE UTIL SEEDS SECONDS,$(if $($(name)),$(name)=$($(name))))

bench-online: setup
	@$(BIN)/python -m tests.benchmarks.bench_online $(if $(NODES),NODES=$(NODES))

bench-scopes: setup
	@$(BIN)/python -m tests.benchmarks.bench_scopes $(foreach name,LINES RUNS,$(if $($(name)),$(name)=$($(name))))

bench-readiness: setup
	@$(BIN)/python -m tests.benchmarks.bench_readiness $(foreach name,NODES PARTS REGIONS SEED,$(if $($(name)),$(name)=$($(name))))

bench-intake: setup
	@$(BIN)/python -m tests.benchmarks.bench_intake $(if $(CLIENTS),"CLIENTS=$(CLIENTS)") $(foreach name,SECONDS ROUNDS PROCESSES,$(if $($(name)),$(name)=$($(name))))

bench-queue: setup
	@$(BIN)/python -m tests.benchmarks.bench_queue $(ONLY)

bench-reports: setup
	@$(BIN)/python -m tests.benchmarks.bench_reports $(TIMES)

bench-recall: setup
	@$(BIN)/python -m tests.benchmarks.bench_recall $(JOBS)

bench-reroute: setup
	@$(BIN)/python -m tests.benchmarks.bench_reroute $(JOBS)

bench-keys: setup
	@$(BIN)/python -m tests.benchmarks.bench_keys $(foreach name,SECONDS A_MINUTE,$(if $($(name)),$(name)=$($(name))))

bench-webhooks: setup
	@$(BIN)/python -m tests.benchmarks.bench_webhooks $(EVENTS) $(ENDPOINTS)

bench-audit: setup
	@$(BIN)/python -m tests.benchmarks.bench_audit $(ENTRIES)

bench-backup: setup
	@$(BIN)/python -m tests.benchmarks.bench_backup $(JOBS) $(FILES)

bench-console: setup
	@$(BIN)/python -m tests.benchmarks.bench_console $(foreach name,ORDERS TIMES,$(if $($(name)),$(name)=$($(name))))

bench-growth: setup
	@$(BIN)/python -m tests.benchmarks.bench_growth $(if $(ORDERS),"ORDERS=$(ORDERS)") $(foreach name,OPEN TIMES ROUNDS KEEP,$(if $($(name)),$(name)=$($(name))))

bench-e2e: setup
	@$(BIN)/python -m tests.benchmarks.bench_e2e $(foreach name,RATE SECONDS DRAIN APIS ROUTERS RELAYS SEED,$(if $($(name)),$(name)=$($(name))))

soak: setup
	@$(BIN)/python -m tests.benchmarks.soak $(foreach name,MINUTES RATE WARM APIS ROUTERS,$(if $($(name)),$(name)=$($(name))))

bench-brokers: setup
	@$(BIN)/python -m tests.benchmarks.bench_brokers $(foreach name,HANDOFFS MESSAGES LOST LINES ROUNDS,$(if $($(name)),$(name)=$($(name)))) $(if $(ONLY),"ONLY=$(ONLY)")

bench-gap: setup
	@$(BIN)/python -m tests.benchmarks.bench_gap $(if $(DIR),DIR="$(DIR)") $(if $(SECONDS),SECONDS=$(SECONDS))

bench-holds: setup
	@$(BIN)/python -m tests.benchmarks.bench_holds $(JOBS)

# atheris is no pinned dependency: without a wheel for this Python, Hypothesis changes the files instead.
fuzz: setup
	@$(BIN)/python -c 'import atheris' 2>/dev/null \
		|| $(BIN)/python -m pip install -qq --only-binary :all: atheris==3.0.0 2>/dev/null \
		|| echo "no wheel of atheris for this Python: fuzzing without coverage"
	@$(BIN)/python -m tests.fuzz.run $(or $(SECONDS),60) $(TARGETS)

fuzz-api: setup
	@$(BIN)/python -m tests.fuzz.api $(foreach name,SEED SECONDS PHASES CALLERS,$(if $($(name)),$(name)=$($(name))))

# Spectral comes from npm; rules of our own are tests (tests/api/test_openapi.py, tests/api/contract).
lint-api: setup
	@command -v npx >/dev/null || { echo "make lint-api needs npx (Node.js)" >&2; exit 1; }
	@npx --yes @stoplight/spectral-cli@6 lint openapi/openapi.json --ruleset openapi/spectral.yaml --fail-severity info

sbom: setup
	@mkdir -p build
	@$(BIN)/python -m cyclonedx_py requirements requirements.txt --pyproject pyproject.toml --mc-type application --output-reproducible --sv 1.6 --validate -o build/sbom.cdx.json

chaos: setup
	@$(BIN)/python -m tests.faults.chaos $(foreach name,ORDERS FAULTS SEED RATE CANCELLED FOLDER,$(if $($(name)),$(name)=$($(name))))

chaos-guards: setup
	@$(BIN)/python -m tests.faults.guards $(foreach name,GUARDS MARKDOWN FOLDER,$(if $($(name)),$(name)="$($(name))"))

state-machine: setup
	@$(BIN)/python -m tests.faults.machine $(foreach name,STEPS SEED,$(if $($(name)),$(name)=$($(name))))

poison: setup
	@$(BIN)/python -m tests.faults.poison $(foreach name,ORDERS POISON SEED WORKERS WALL FOLDER,$(if $($(name)),$(name)=$($(name))))

overload: setup
	@$(BIN)/python -m tests.benchmarks.bench_overload $(foreach name,SECONDS FACTOR SEED PROCESSES,$(if $($(name)),$(name)=$($(name))))

relay-kills: setup
	@$(BIN)/python -m tests.faults.threats.relay_kills $(foreach name,TIMES SEED,$(if $($(name)),$(name)=$($(name))))

frozen: setup
	@$(BIN)/python -m tests.faults.threats.frozen_routers $(foreach name,TIMES,$(if $($(name)),$(name)=$($(name))))

broker-outage: setup
	@$(BIN)/python -m tests.faults.threats.broker_outage $(foreach name,ORDERS REQUESTS SEED,$(if $($(name)),$(name)=$($(name))))

export-networks: setup
	@$(BIN)/python -m tests.faults.threats.export_networks $(foreach name,NETWORKS SEED,$(if $($(name)),$(name)=$($(name))))

hosts: setup
	@$(BIN)/python -m tests.faults.hosts $(foreach name,SECONDS REST RATE SEED CANCELLED FOLDER,$(if $($(name)),$(name)="$($(name))")) $(if $(HOSTS),"HOSTS=$(HOSTS)")

client: setup
	@$(BIN)/python openapi/client/generate.py --check-types

matrix: setup
	@$(BIN)/python -m tests.api.matrix

format: setup
	@$(BIN)/python -m ruff check --fix .
	@$(BIN)/python -m ruff format .

PIN = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

lock:
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	$(PIN) $(if $(UPGRADE),--upgrade) --extra embedded pyproject.toml -o requirements.txt
	$(PIN) $(if $(UPGRADE),--upgrade) --extra embedded --extra dev pyproject.toml -o requirements-dev.txt

clean:
	@rm -rf $(VENV) build dist htmlcov fuzz-crashes .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find services workers infra tests -name __pycache__ -type d -prune -exec rm -rf {} +
