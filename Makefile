# Every target is `python -m scripts …`: nothing here is needed without make.
# (make turns every failure into exit code 2; the commands' own codes are 1 and 2.)
PYTHON ?= python3
# `exec`: no shell stays between make and the command, so that a killed make is noticed.
RUN = @exec $(PYTHON) -m scripts
N ?= 20
AT_ONCE ?= 1
.DEFAULT_GOAL := help
.PHONY: help help-all minimal reproduce test serve pull up down soak check format pins

##@ Start here
help: ## this list
	@awk '/^##@ /{if (n++) exit} /^[a-z].*:.*## /{split($$0, p, ":.*## "); printf "  make %-11s %s\n", p[1], p[2]}' Makefile
	@echo "  make help-all    everything else"

minimal: ## the error in five lines of Python, without any server
	$(RUN) minimal

reproduce: ## run the broken side on real servers: both errors
	$(RUN) reproduce

test: ## the project's own tests
	$(RUN) test

##@ Servers
serve: ## the app itself, on http://127.0.0.1:8000/docs
	$(RUN) serve

pull: ## fetch the images for BACKEND=testcontainers and compose
	$(RUN) pull

up: ## start the pair of docker-compose.yml and leave it running
	$(RUN) up

down: ## stop that pair
	$(RUN) down

##@ For those who work on this repository
help-all: ## this list, whole
	@awk '/^##@ /{print substr($$0, 5)} /^[a-z].*:.*## /{split($$0, p, ":.*## "); printf "  make %-11s %s\n", p[1], p[2]}' Makefile
	@echo "BACKEND=auto|testcontainers|compose|embedded|external chooses the servers."

check: ## format, lint, types and tests: what CI runs
	$(RUN) check

format: ## put the code into the project's format
	$(RUN) format

soak: ## reproduce N times, AT_ONCE beside each other (N=20 AT_ONCE=1)
	$(RUN) soak --times $(N) --at-once $(AT_ONCE)

pins: ## compile the pinned, hashed requirements anew
	$(RUN) pins
