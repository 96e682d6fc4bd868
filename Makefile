# What people type. Every target does the set-up that it needs (scripts/setup); SETUP=no forbids changes to the system.
#
#   make            builds build/gatehouse, optimised and hardened
#   make demo       takes real transfers through the gate and attacks it, narrated; KEEP=1 leaves it serving, AMOUNTS=TEXT draws others;
#                   KEEPERS=1 has three keepers share a key instead
#   make test       builds and runs everything that must hold; ends with "N passed, N failed, N skipped"
#   make bench      measures against bench/bars.json; ONLY=ledger runs one module
#   make fuzz       a few seconds of every fuzz target; ONLY=json_fuzz runs one, SECONDS_EACH=60 longer
#   make soak       long counts: fuzzing with coverage, crash loops; writes tests/soak/last.json; RESUME=1 goes on with it
#   make lint       clang-format and clang-tidy
#   make install    PREFIX=/usr/local DESTDIR=pkg puts what was built below pkg/usr/local (without DESTDIR: below PREFIX)

SHELL := /bin/sh
PREFIX ?= /usr/local
SETUP ?= yes
export SETUP

# The public test data, where it lies beside the checkout. Suites that need it skip by name without it.
ifneq ($(wildcard ../shared/corpora/README.md),)
export GATEHOUSE_CORPORA := $(abspath ../shared/corpora)
endif

.PHONY: all demo test bench fuzz soak lint install clean
.NOTPARALLEL:

all:
	@scripts/setup
	@scripts/build release

demo: all
	@scripts/demo

test:
	@scripts/setup
	@scripts/test

bench:
	@scripts/setup
	@scripts/bench $(if $(ONLY),--only $(ONLY))

fuzz:
	@scripts/setup
	@scripts/fuzz $(if $(ONLY),--only $(ONLY)) $(if $(SECONDS_EACH),--seconds $(SECONDS_EACH))

soak:
	@scripts/setup
	@scripts/soak $(if $(SECONDS_EACH),--seconds $(SECONDS_EACH)) $(if $(SEED),--seed $(SEED)) $(if $(RESUME),--resume)

lint:
	@scripts/setup
	@scripts/lint

install: all
	@scripts/install "$(PREFIX)" "$(DESTDIR)"

clean:
	rm -rf build
