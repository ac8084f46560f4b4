# Every target is `python -m scripts …`: nothing here is needed without make.
# (make turns every failure into exit code 2; the commands' own codes are 1 and 2.)
PYTHON ?= python3
# `exec`: no shell stays between make and the command, so that a killed make is noticed.
RUN = @exec "$(PYTHON)" -m scripts
N ?= 20
AT_ONCE ?= 1
WHAT ?= reproduce
.DEFAULT_GOAL := help
.PHONY: help help-all minimal reproduce fix tour test fixes traps all-fixes compare report outcomes \
	serve doctor pull up down logs ps offline-pack offline-unpack soak same bench check faults \
	test-long test-whichloop test-foreign test-docker test-pages bench-whichloop format pins audit \
	workshop check-workshop

##@ Start here
help: ## this list
	@awk '/^##@ /{if (n++) exit} /^[a-z].*:.*## /{split($$0, p, ":.*## "); sub("%", "N", p[1]); printf "  make %-15s %s\n", p[1], p[2]}' Makefile
	@echo "  make help-all    everything else"

minimal: ## the error in five lines of Python, without any server
	$(RUN) minimal

reproduce: ## run the broken side on real servers: both errors
	$(RUN) reproduce

fix: ## run the recommended remedy: the smallest that cures both
	$(RUN) fix

fix- trap- diff-:
	@echo 'error: which number? As in "make $@3"; "make fixes" and "make traps" list them.' >&2; exit 2

# The number reaches the command as a variable, never as a piece of shell text.
fix-%: export NUMBER = $*
fix-%: ## run remedy N: its diff, what it cures, its price (make fixes lists them)
	$(RUN) fix -- "$$NUMBER"

tour: ## the short story: four remedies, with a pause between
	$(RUN) tour

test: ## the project's own tests
	$(RUN) test

##@ More of the remedies
fixes: ## the list of remedies, with verdicts
	$(RUN) fixes

traps: ## popular answers that do not work, with verdicts
	$(RUN) traps

trap-%: export NUMBER = $*
trap-%: ## run trap N in the same way
	$(RUN) trap -- "$$NUMBER"

diff-%: export NUMBER = $*
diff-%: ## only the diff between broken/ and remedy N
	$(RUN) diff -- "$$NUMBER"

all-fixes: ## every remedy and trap, as many at once as there are cores
	$(RUN) all-fixes

compare: ## the matrix of all results, and which remedy to use
	$(RUN) compare

report: ## one page of all results, for a browser: results/report.html
	$(RUN) report

outcomes: ## run every side and show where a manifest says something else
	$(RUN) outcomes all

##@ Learn it
workshop: ## exercises that are checked as you save (MANUAL=1 by hand, FAST=1 the short track)
	$(RUN) workshop $(if $(MANUAL),--manual) $(if $(FAST),--fast)

##@ Servers
doctor: ## what this machine has for all this: a line each, fine or what to do
	$(RUN) doctor

serve: ## the app itself, on http://127.0.0.1:8000/docs
	$(RUN) serve

pull: ## fetch the images for BACKEND=testcontainers and compose
	$(RUN) pull

up: ## start a pair of servers and leave it running: with Docker or without
	$(RUN) up

down: ## stop that pair
	$(RUN) down

ps: ## that pair: does it run, and on which ports
	$(RUN) ps

logs: ## what that pair has written
	$(RUN) logs

# These variables, too, reach the command as variables.
offline-pack: ## all that a machine without a network needs, in DIR (PLATFORM=macos-arm64 PYTHONS="3.12 3.13")
	$(RUN) offline-pack --platform "$$PLATFORM" --pythons "$$PYTHONS" -- "$${DIR:-offline-pack}"

offline-unpack: ## set this checkout up from the pack in DIR, without a network
	$(RUN) offline-unpack -- "$$DIR"

##@ For those who work on this repository
help-all: ## this list, whole
	@awk '/^##@ /{print substr($$0, 5)} /^[a-z].*:.*## /{split($$0, p, ":.*## "); sub("%", "N", p[1]); printf "  make %-15s %s\n", p[1], p[2]}' Makefile
	@echo "BACKEND=auto|testcontainers|compose|embedded|external chooses the servers."

check: ## format, lint, types and tests: what CI runs
	$(RUN) check

test-long: ## READMEs on other options and versions, each run; 2,000 generated requests
	$(RUN) test-long

test-whichloop: ## whichloop's own tests and its zoo; needs redis-server, mariadbd
	$(RUN) test-whichloop

faults: ## break things on purpose: docs/faults.md (WRITE=1 draws it anew)
	$(RUN) faults $(if $(WRITE),--write)

test-foreign: ## other people's suites, with and without whichloop (ONLY=redis: one of them)
	$(RUN) test-foreign $(if $(ONLY),--only $(ONLY))

bench-whichloop: ## what whichloop costs: its three ratios, and what it keeps in memory
	$(RUN) bench-whichloop

test-docker: ## the tests of the container backends; needs a Docker engine and both images
	$(RUN) test-docker $(if $(WRITE),--write)

check-workshop: ## every exercise: unsolved, solved, and solved wrongly
	$(RUN) check-workshop

test-pages: ## the drawn pages in a browser; needs Debian's chromium
	$(RUN) test-pages

format: ## put the code into the project's format
	$(RUN) format

soak: export TIMES = $(N)
soak: export TOGETHER = $(AT_ONCE)
soak: export COMMAND = $(WHAT)
soak: ## WHAT N times, AT_ONCE at once (N=20 AT_ONCE=1 WHAT=reproduce or "all-fixes --shuffle --alone")
	$(RUN) soak --times "$$TIMES" --at-once "$$TOGETHER" -- "$$COMMAND"

same: ## do the results folders DIRS, of several backends, say the same of every test?
	$(RUN) same -- $$DIRS

bench: ## what containers cost a command beyond the embedded pair; needs Docker
	$(RUN) bench

pins: ## compile the pinned, hashed requirements anew
	$(RUN) pins

audit: ## ask PyPI whether a pinned dependency has a known vulnerability
	$(RUN) audit
