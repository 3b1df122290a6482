# SPDX-License-Identifier: GPL-2.0-only
# xdp-nat64. `make help` lists the targets; ./configure writes config.mk, and is
# run when that is missing.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.SUFFIXES:

B := build
FUZZ_SECONDS ?= 20

# One short line for each thing built; V=1 shows the commands.
V ?= 0
Q := $(if $(filter 0,$(V)),@)
say = $(if $(filter 0,$(V)),@printf '  %-6s %s\n' $(1) $(2))

# ---- configuration --------------------------------------------------------------

# Targets that work without knowing the machine.
UNCONFIGURED := clean help uninstall demo-clean
ifneq ($(filter-out $(UNCONFIGURED),$(or $(MAKECMDGOALS),all)),)
include config.mk
endif
-include $(wildcard config.mk)
PREFIX ?= /usr/local
PYTHON ?= python3

# `make test`, `demo` and `bench` need root anyway; as root they install what is
# missing, so that a fresh machine needs one command.
INSTALLING := $(filter test demo bench bench-check bench-micro,$(MAKECMDGOALS))
config.mk: configure
	@./configure $(if $(INSTALLING),$(shell [ "$$(id -u)" = 0 ] && echo --install-deps))

# ---- flags ------------------------------------------------------------------------

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
# build/ holds generated code (the skeleton), which is not held to our warnings; -MD
# and not -MMD, which would leave it out of the dependencies as a system header.
INCLUDES := -Icommon -Iuser -isystem $(B) $(LIB_CFLAGS)
HARDEN := -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fPIE
CFLAGS ?= -O2 -g
USER_CFLAGS := -std=gnu11 $(CFLAGS) $(WARN) $(HARDEN) $(INCLUDES)
USER_LDFLAGS := -pie -Wl,-z,relro,-z,now $(LDFLAGS)
LIBS := -lxdp -lbpf -lelf -lz -lyaml -ljansson -lmnl

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# Most run for less time than -Og would take to compile; what may be uninitialized is found by
# the build of the product.
SAN_OPT := -O0
SAN_CFLAGS = -std=gnu11 $(SAN_OPT) -g $(WARN) $(SANITIZE) -DN64_CALLS $(INCLUDES)
SAN_CC_CFLAGS = $(SAN_CFLAGS) $(if $(findstring clang,$(CC)),,-Wno-maybe-uninitialized)

BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror \
	-Icommon -Ixdp $(BPF_INCLUDES)

# ---- sources ----------------------------------------------------------------------

# user/client/ is a library of its own; the program shares its rules and settings.
CLIENT_SRC := $(sort $(shell find user/client -name '*.c' ! -name '*_test.c'))
SHIM_ONLY := $(addprefix user/client/,calls.c control.c messages.c shim.c)
USER_SRC := $(sort $(filter-out $(SHIM_ONLY),$(shell find user -name '*.c' ! -name '*_test.c' ! -path '*/fuzz/*')))
LIB_SRC := $(filter-out user/cli/main.c,$(USER_SRC))
CONFIG_SRC := $(filter user/config/%,$(USER_SRC))
COMMON_TESTS := $(sort $(wildcard common/*_test.c))
USER_TESTS := $(sort $(shell find user -name '*_test.c'))
XDP_TESTS := $(sort $(wildcard xdp/*_test.c))
FUZZERS := $(sort $(shell find common user -path '*/fuzz/*.c'))

SKEL := $(B)/nat64.skel.h
PROGRAM := $(B)/xdp-nat64
SHIM := $(B)/libxdp-nat64-client.so

test_of = $(patsubst %.c,$(B)/$(1)/%,$(notdir $(2)))
TESTS := $(call test_of,test,$(COMMON_TESTS) $(USER_TESTS) $(XDP_TESTS))
TESTS_CLANG := $(call test_of,test-clang,$(COMMON_TESTS))
FUZZ_BINS := $(call test_of,fuzz,$(FUZZERS))

.PHONY: all bpf unit-build unit e2e test test-kernels bench bench-check bench-micro bench-insns bench-deps demo demo-clean fuzz check install uninstall clean help
.DEFAULT_GOAL := all

all: $(PROGRAM) $(SHIM)

# ---- BPF programs -------------------------------------------------------------------

bpf: $(SKEL)

# What bpftool writes is without DWARF, a third of the size: BTF has the lines. The skeleton's
# string is as large, and compiled again by whoever includes it.
define compile_bpf
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) $(1) -MD -MP -MF $(@:.o=.d) -MT $@ -c $< -o $@.dwarf
	$(Q)$(BPFTOOL) gen object $@ $@.dwarf
	@rm $@.dwarf
endef

$(B)/nat64.bpf.o: xdp/nat64.bpf.c config.mk Makefile
	@mkdir -p $(@D)
	$(compile_bpf)

# Written beside and moved, so that an interrupted bpftool leaves no half file.
$(SKEL): $(B)/nat64.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name nat64_bpf > $@.tmp
	@mv $@.tmp $@

# ---- the program ----------------------------------------------------------------------

$(PROGRAM): $(USER_SRC:%.c=$(B)/%.o)
	$(call say,LINK,$@)
	$(Q)$(CC) $(USER_LDFLAGS) $^ $(LIBS) -o $@

# Everything in user/ but the configuration may look at the skeleton.
$(filter-out $(B)/user/config/%,$(USER_SRC:%.c=$(B)/%.o)): | $(SKEL)
$(filter-out $(B)/san/user/config/%,$(USER_SRC:%.c=$(B)/san/%.o)): | $(SKEL)

$(B)/user/%.o: user/%.c config.mk Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(USER_CFLAGS) -MD -MP -c $< -o $@

# ---- the library that `run` puts into other programs ------------------------------------
# Nothing but the C library, and no names but those of the calls it stands in front of.
SHIM_CFLAGS := $(filter-out -fPIE -D_FORTIFY_SOURCE=2,$(USER_CFLAGS)) -fPIC \
	-fvisibility=hidden

$(B)/pic/user/client/%.o: user/client/%.c config.mk Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(SHIM_CFLAGS) -MD -MP -c $< -o $@

$(SHIM): $(CLIENT_SRC:%.c=$(B)/pic/%.o)
	$(call say,LINK,$@)
	$(Q)$(CC) -shared -Wl,-z,relro,-z,now,-z,defs $(LDFLAGS) $^ -o $@

# ---- the same with a clock that tests put forward (ST-11) ------------------------------
# Only what holds the BPF programs differs: the skeleton, and who includes it.

CLOCK_SRC := $(shell grep -l '"nat64.skel.h"' $(USER_SRC))
CLOCK_OBJ := $(USER_SRC:%.c=$(B)/%.o)
CLOCK_OBJ := $(filter-out $(CLOCK_SRC:%.c=$(B)/%.o),$(CLOCK_OBJ)) $(CLOCK_SRC:%.c=$(B)/clock/%.o)

$(B)/clock/nat64.bpf.o: xdp/nat64.bpf.c config.mk Makefile
	@mkdir -p $(@D)
	$(call compile_bpf,-DN64_TEST_CLOCK)

$(B)/clock/nat64.skel.h: $(B)/clock/nat64.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name nat64_bpf > $@.tmp
	@mv $@.tmp $@

$(B)/clock/user/%.o: user/%.c config.mk Makefile | $(B)/clock/nat64.skel.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -isystem $(B)/clock $(USER_CFLAGS) -MD -MP -c $< -o $@

$(B)/test/xdp-nat64-clock: $(CLOCK_OBJ)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(USER_LDFLAGS) $^ $(LIBS) -o $@

# ---- unit tests: sanitized; common/ by both compilers --------------------------------
# Those in xdp/ are not: what they test runs in the kernel, and the verifier has seen it. They
# load programs case by case, for which libbpf reallocates much, and sanitizers would copy it.

$(B)/san/user/%.o: user/%.c config.mk Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(SAN_CC_CFLAGS) -MD -MP -c $< -o $@

$(B)/san-clang/user/%.o: user/%.c config.mk Makefile
	@mkdir -p $(@D)
	$(call say,CLANG,$@)
	$(Q)$(CLANG) $(SAN_CFLAGS) -fsanitize=fuzzer-no-link -MD -MP -c $< -o $@

define archive
	$(call say,AR,$@)
	@rm -f $@
	$(Q)ar crs $@ $^
endef

# What tests link: all of user/ for tests in user/; the configuration alone for
# tests of common/, which therefore do not need a BPF compiler.
$(B)/san/libuser.a: $(LIB_SRC:%.c=$(B)/san/%.o)
	$(archive)
$(B)/san/libconfig.a: $(CONFIG_SRC:%.c=$(B)/san/%.o)
	$(archive)
$(B)/san-clang/libconfig.a: $(CONFIG_SRC:%.c=$(B)/san-clang/%.o)
	$(archive)

# build_test(COMPILER, SOURCE, DIR, ARCHIVE, FLAGS)
define build_test
$(call test_of,$(3),$(2)): $(2) $(4) config.mk Makefile
	@mkdir -p $$(@D)
	$$(call say,TEST,$$@)
	$$(Q)$$($(1)) $$($(5)) -MD -MP -MF $$@.d $$< $(4) -lcmocka $$(LIBS) -o $$@
endef
$(foreach t,$(COMMON_TESTS),$(eval $(call build_test,CC,$(t),test,$(B)/san/libconfig.a,SAN_CC_CFLAGS)))
$(foreach t,$(COMMON_TESTS),$(eval $(call build_test,CLANG,$(t),test-clang,$(B)/san-clang/libconfig.a,SAN_CFLAGS)))
$(foreach t,$(USER_TESTS),$(eval $(call build_test,CC,$(t),test,$(B)/san/libuser.a,SAN_CC_CFLAGS)))
$(foreach t,$(XDP_TESTS),$(eval $(call build_test,CC,$(t),test,$(B)/libuser.a,USER_CFLAGS)))
$(foreach d,test test-clang,$(patsubst %,$(B)/$(d)/state_%_test,model port step)): private SAN_OPT := -Og
$(FUZZ_BINS) $(CONFIG_SRC:%.c=$(B)/san-clang/%.o): private SAN_OPT := -O1
$(call test_of,test,$(USER_TESTS)): | $(SKEL)
$(call test_of,test,$(XDP_TESTS)): $(SKEL) $(B)/clock/nat64.skel.h

unit-build: $(TESTS) $(TESTS_CLANG)

unit: unit-build
	@$(PYTHON) testenv/run_tests.py --unit $(TESTS) $(TESTS_CLANG)

e2e: all $(B)/test/xdp-nat64-clock $(B)/test/shim-calls $(B)/bench/bench
	@$(PYTHON) testenv/run_tests.py --e2e

test: all unit-build $(B)/test/xdp-nat64-clock $(B)/test/shim-calls $(B)/bench/bench
	@$(PYTHON) testenv/run_tests.py --unit $(TESTS) $(TESTS_CLANG) --e2e

# The IPv4-only program of testenv/test_run.py.
SHIM_CALLS := testenv/shim_calls.c testenv/shim_calls_udp.c
$(B)/test/shim-calls: $(SHIM_CALLS) testenv/shim_calls.h config.mk Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(USER_CFLAGS) $(SHIM_CALLS) $(USER_LDFLAGS) -pthread -o $@

# ---- Debian's kernels in a virtual machine ---------------------------------------------
# KERNELS="6.1 6.12" and CHECKS="load demo-siit" choose some; testenv/vm/README.md.

$(B)/vm/load: testenv/vm/load.c $(B)/libuser.a $(SKEL) config.mk Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(USER_CFLAGS) -MD -MP -MF $@.d $< $(B)/libuser.a $(USER_LDFLAGS) $(LIBS) -o $@

test-kernels: all $(B)/vm/load $(B)/test/xdp-nat64-clock $(B)/test/shim-calls $(call test_of,test,$(XDP_TESTS))
	@PYTHON=$(PYTHON) sh testenv/vm/test-kernels

# ---- fuzzing ------------------------------------------------------------------------------

define build_fuzzer
$(call test_of,fuzz,$(1)): $(1) $(B)/san-clang/libconfig.a config.mk Makefile
	@mkdir -p $$(@D)
	$$(call say,FUZZ,$$@)
	$$(Q)$$(CLANG) $$(SAN_CFLAGS) -fsanitize=fuzzer -MD -MP -MF $$@.d $$< \
		$(B)/san-clang/libconfig.a $$(LIBS) -o $$@
endef
$(foreach f,$(FUZZERS),$(eval $(call build_fuzzer,$(f))))

# Packets to begin with, from the golden rows.
$(B)/fuzz/seeds: common/fuzz/seeds.py testenv/golden-packets.json
	@$(PYTHON) $^ $@
	@touch $@

# Seeds stand beside a fuzzer in corpus/NAME/ or are made; what it finds goes to
# build/.
fuzz: $(FUZZ_BINS) $(B)/fuzz/seeds
	@set -e; for src in $(FUZZERS); do \
		name=$$(basename $$src .c); \
		seeds=$$(dirname $$src)/corpus/$$name; \
		mkdir -p $(B)/fuzz/corpus/$$name $(B)/fuzz/found; \
		[ -d $$seeds ] || seeds=$(B)/fuzz/seeds/$$name; \
		[ -d $$seeds ] || seeds=; \
		echo "fuzz $$name: $(FUZZ_SECONDS) s"; \
		$(B)/fuzz/$$name -max_total_time=$(FUZZ_SECONDS) -timeout=5 -print_final_stats=1 \
			-artifact_prefix=$(B)/fuzz/found/$$name- \
			$(B)/fuzz/corpus/$$name $$seeds > $(B)/fuzz/$$name.log 2>&1 || \
			{ tail -40 $(B)/fuzz/$$name.log; echo "fuzz $$name: FAILED"; exit 1; }; \
		sed -n 's/^stat::number_of_executed_units: */  executions: /p' $(B)/fuzz/$$name.log; \
	done

# ---- static checks --------------------------------------------------------------------------

check: config.mk
	@sh testenv/check.sh

# ---- the demo and the benchmark -----------------------------------------------------------------

# MODE=stateful, siit or dynamic
demo: all
	@$(PYTHON) testenv/demo.py $(if $(MODE),--mode $(MODE)) $(if $(filter-out 0,$(KEEP)),--keep)

demo-clean:
	@$(PYTHON) testenv/demo.py --clean

# SCENARIO="stateful sizes" chooses, BENCH_FLAGS=--quick is for bench/run.
bench: all $(B)/bench/bench bench-deps
	@$(PYTHON) bench/run $(BENCH_FLAGS) $(SCENARIO)

bench-check: all $(B)/bench/bench
	@$(PYTHON) bench/run --check $(BENCH_FLAGS)

# Pictures and peers; without them there are fewer of both.
bench-deps: config.mk
	@./configure --bench-deps

$(B)/bench/bench.bpf.o: bench/bench.bpf.c config.mk Makefile
	@mkdir -p $(@D)
	$(compile_bpf)

$(B)/bench/bench.skel.h: $(B)/bench/bench.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name bench_bpf > $@.tmp
	@mv $@.tmp $@

BENCH_SRC := $(filter-out bench/micro.c %.bpf.c,$(sort $(wildcard bench/*.c)))

$(B)/bench/%.o: bench/%.c config.mk Makefile | $(B)/bench/bench.skel.h
	$(call say,CC,$@)
	$(Q)$(CC) $(USER_CFLAGS) -isystem $(B)/bench -MD -MP -c $< -o $@

$(B)/bench/bench: $(BENCH_SRC:bench/%.c=$(B)/bench/%.o)
	$(call say,LINK,$@)
	$(Q)$(CC) $(USER_LDFLAGS) $^ -ljansson -lbpf -lelf -lz -lm -o $@

# bench/micro: a build of the programs that ends after a chosen step.
$(B)/bench/micro-bpf/nat64.bpf.o: xdp/nat64.bpf.c config.mk Makefile
	@mkdir -p $(@D)
	$(call compile_bpf,-DN64_MICRO)

$(B)/bench/micro-bpf/nat64.skel.h: $(B)/bench/micro-bpf/nat64.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name nat64_bpf > $@.tmp
	@mv $@.tmp $@

$(B)/libuser.a: $(LIB_SRC:%.c=$(B)/%.o)
	$(archive)

$(B)/bench/micro: bench/micro.c $(B)/bench/micro-bpf/nat64.skel.h $(B)/libuser.a config.mk Makefile
	$(call say,CC,$@)
	$(Q)$(CC) -isystem $(B)/bench/micro-bpf $(USER_CFLAGS) -Ixdp -MD -MP $< $(B)/libuser.a \
		$(USER_LDFLAGS) -lcmocka $(LIBS) -o $@

bench-micro: $(B)/bench/micro
	@$(B)/bench/micro

# Instructions of each step instead of nanoseconds, which wobble with the machine: on the
# oldest kernel, in a guest whose clock counts them.
bench-insns: $(B)/bench/micro all $(B)/vm/load $(B)/test/xdp-nat64-clock $(B)/test/shim-calls
	@PYTHON=$(PYTHON) INSNS=1 KERNELS=6.1 CHECKS=micro sh testenv/vm/test-kernels

# ---- installing ---------------------------------------------------------------------------------

SBINDIR = $(PREFIX)/sbin
MANDIR = $(PREFIX)/share/man
# Where `run` looks for it, seen from SBINDIR (user/cli/run.c).
SHIMDIR = $(PREFIX)/lib/xdp-nat64
UNITDIR = $(PREFIX)/lib/systemd/system
COMPDIR = $(PREFIX)/share/bash-completion/completions
DOCDIR = $(PREFIX)/share/doc/xdp-nat64
MAN8 = $(wildcard docs/*.8)
MAN5 = $(wildcard docs/*.5)

install: all
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(UNITDIR) $(DESTDIR)$(COMPDIR) $(DESTDIR)$(DOCDIR)
	install -m 755 $(PROGRAM) $(DESTDIR)$(SBINDIR)/xdp-nat64
	install -d $(DESTDIR)$(SHIMDIR)
	install -m 644 $(SHIM) $(DESTDIR)$(SHIMDIR)/$(notdir $(SHIM))
	sed 's|@SBINDIR@|$(SBINDIR)|g' dist/xdp-nat64@.service.in > $(DESTDIR)$(UNITDIR)/xdp-nat64@.service
	chmod 644 $(DESTDIR)$(UNITDIR)/xdp-nat64@.service
	install -m 644 dist/xdp-nat64.bash $(DESTDIR)$(COMPDIR)/xdp-nat64
	install -m 644 dist/xdp-nat64.yaml $(DESTDIR)$(DOCDIR)/xdp-nat64.yaml
	$(if $(MAN8),install -d $(DESTDIR)$(MANDIR)/man8 && install -m 644 $(MAN8) $(DESTDIR)$(MANDIR)/man8)
	$(if $(MAN5),install -d $(DESTDIR)$(MANDIR)/man5 && install -m 644 $(MAN5) $(DESTDIR)$(MANDIR)/man5)

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/xdp-nat64
	rm -rf $(DESTDIR)$(SHIMDIR)
	rm -f $(DESTDIR)$(UNITDIR)/xdp-nat64@.service
	rm -f $(DESTDIR)$(COMPDIR)/xdp-nat64
	rm -rf $(DESTDIR)$(DOCDIR)
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man8/,$(notdir $(MAN8)))
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man5/,$(notdir $(MAN5)))

clean:
	rm -rf $(B) config.mk

help:
	@echo "make            build build/xdp-nat64"
	@echo "make test       build, unit tests and end-to-end tests (root; else unit tests only)"
	@echo "make test-kernels   load, tests and demo on Debian's kernels in qemu (root);"
	@echo "                KERNELS=6.1 and CHECKS=load choose; testenv/vm/README.md"
	@echo "make demo       IPv6-only clients share an IPv4 address, here and now (root);"
	@echo "                MODE=siit: one client with an IPv4 address of its own;"
	@echo "                MODE=dynamic: each client gets one when it sends;"
	@echo "                KEEP=1 leaves it standing; make demo-clean removes it"
	@echo "make bench      packets per second on veth pairs, beside other translators (root);"
	@echo "                SCENARIO=sizes chooses: bench/run --list"
	@echo "make bench-check   are its ratios over 10 % worse than the last release's? (root)"
	@echo "make bench-micro, bench-insns   nanoseconds, instructions of each step of the fast"
	@echo "                path (root)"
	@echo "make fuzz       every fuzzer for FUZZ_SECONDS=$(FUZZ_SECONDS)"
	@echo "make check      static checks"
	@echo "make unit, e2e  one half of make test"
	@echo "make install, uninstall   to PREFIX=$(PREFIX), below DESTDIR"
	@echo "make clean      remove build/ and config.mk"

# Not in the packages and trees of the guests.
-include $(shell find $(B) -path '$(B)/vm/*/*' -prune -o -type f -name '*.d' -print 2>/dev/null)
