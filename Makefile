# acmezone: `make help` lists what can be made.
#
# BUILD names the folder of one variant (build, build/asan, build/tsan, build/cover); SANITIZE and COVER choose its flags; V=1 shows the commands.
# Each folder of the house is compiled with -iquote only for the floors it may see, so a wrong include is "file not found". storage
# has two rooms of its own: etcd, a client that knows nothing of accounts, and cluster, the replica that is made with it.

BUILD    ?= build
VERSION  := 0.1.0
PYTHON   := /usr/bin/python3
PACKAGES := sh deploy/packages.sh
PREFIX   ?= /usr/local

SEES_base            := base
SEES_storage/etcd    := storage/etcd base
SEES_storage/cluster := storage/cluster storage/etcd storage base
SEES_storage         := storage storage/cluster base
SEES_server          := server storage base
SEES_api             := api storage base
SEES_migrate         := migrate storage base
SEES_acme            := acme api storage base
SEES_client/resolve  := client/resolve base
SEES_client/check    := client/check client/resolve base
SEES_client/watch    := client/watch client/check client/resolve base
SEES_client/hook     := client/hook client/resolve base
SEES_cli             := cli client/hook client/watch client/check client/resolve acme migrate api server storage base
FLOORS               := base storage/etcd storage/cluster storage server api acme migrate client/resolve client/check client/watch client/hook cli

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Werror
HARDEN   := -D_FORTIFY_SOURCE=2 -fstack-protector-strong
ifdef SANITIZE
HARDEN   := -DACMEZONE_INSTRUMENTED -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
endif
ifdef COVER
HARDEN   := -DACMEZONE_INSTRUMENTED --coverage -fprofile-update=atomic
endif
CFLAGS   ?= -O2 -g
Q        := $(if $(V),,@)
CFLAGS_  := -std=c2x -D_GNU_SOURCE -DACMEZONE_VERSION='"$(VERSION)"' -fPIE -pthread -MMD -MP $(WARNINGS) $(HARDEN) $(CFLAGS)
LDFLAGS_ := -pie -pthread -Wl,-z,relro,-z,now $(HARDEN) $(LDFLAGS)
LIBS     := -luv -lldns -llmdb -lmicrohttpd -lgnutls -ljansson -largon2 -lcrypt -lnettle -lseccomp -lcurl -lprotobuf-c -lsqlite3 -lpq

objects   = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(1)/*.c))
MESSAGES := $(BUILD)/gen/etcd.pb-c
OBJECTS  := $(foreach floor,$(FLOORS),$(call objects,$(floor))) $(MESSAGES).o
STORE    := $(foreach floor,base storage/etcd storage/cluster storage,$(call objects,$(floor))) $(MESSAGES).o
TESTED   := $(filter-out $(BUILD)/obj/cli/main.o,$(OBJECTS))
UNITS    := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
FUZZERS  := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
HELPERS  := $(patsubst tests/unit/%.c,$(BUILD)/obj/tests/unit/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
BENCHES  := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*load.c tests/bench/*floor.c))
BENCH_PARTS := $(patsubst tests/bench/%.c,$(BUILD)/obj/tests/bench/%.o,$(filter-out %load.c %floor.c,$(wildcard tests/bench/*.c)))
TOOLS    := $(BUILD)/tool/list_store $(BUILD)/tool/disk_shim.so
SOURCES  := $(wildcard $(addsuffix /*.[ch],$(FLOORS) acme/preload) tests/unit/*.[ch] tests/fuzz/*.[ch] tests/tool/*.c tests/bench/*.[ch])

.DEFAULT_GOAL := all
.PHONY: all
all: need-build $(BUILD)/acmezone ## build build/acmezone

$(BUILD)/acmezone: $(OBJECTS)
	$(Q)$(CC) $(LDFLAGS_) -o $@ $^ $(LIBS)
	$(Q)ln -sf acmezone $@-hook # for ACME clients that take a path to their hook and no words

define floor
$(BUILD)/obj/$(1)/%.o: $(1)/%.c
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS_) $$(addprefix -iquote ,$$(SEES_$(1))) $$(if $$(findstring /,$(1)),-isystem $(BUILD)/gen) -c -o $$@ $$<
endef
$(foreach name,$(FLOORS),$(eval $(call floor,$(name))))

$(BUILD)/obj/api/openapi.o: api/openapi.json

# What makes uacme trust an authority of our choice: a library of its own, which becomes a part of the program.
TRUST := $(BUILD)/gen/trust.so
$(TRUST): acme/preload/trust.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -fPIE,$(CFLAGS_)) -U_FORTIFY_SOURCE -fno-sanitize=all -fno-profile-arcs -fno-test-coverage -fPIC -shared -s -o $@ $<
$(BUILD)/obj/acme/trust.o: CFLAGS_ += -DACMEZONE_TRUST_LIBRARY='"$(TRUST)"'
$(BUILD)/obj/acme/trust.o: $(TRUST)

# etcd's messages, as C. Only storage's rooms see them.
$(MESSAGES).c $(MESSAGES).h &: storage/etcd/etcd.proto
	@mkdir -p $(@D)
	$(Q)protoc-c --proto_path=storage/etcd --c_out=$(BUILD)/gen $<

$(MESSAGES).o: $(MESSAGES).c
	$(Q)$(CC) $(filter-out -W%,$(CFLAGS_)) -c -o $@ $<

# Where Debian keeps the header of libpq.
$(BUILD)/obj/migrate/postgres.o: CFLAGS_ += -isystem /usr/include/postgresql

$(call objects,storage/etcd) $(call objects,storage/cluster): | $(MESSAGES).h

$(BUILD)/obj/tests/unit/%.o: tests/unit/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_) $(addprefix -iquote ,tests/unit $(FLOORS)) -isystem $(BUILD)/gen -c -o $@ $<

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(HELPERS) $(TESTED)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_) -o $@ $^ $(LIBS) -lcmocka

$(BUILD)/obj/tests/fuzz/%.o: tests/fuzz/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_) $(addprefix -iquote ,tests/fuzz $(FLOORS) tests/unit) -isystem $(BUILD)/gen -c -o $@ $<

$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/obj/tests/fuzz/replay.o $(HELPERS) $(TESTED)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_) $(if $(FUZZ),-fsanitize=fuzzer) -o $@ $(if $(FUZZ),$(filter-out %/replay.o,$^),$^) $(LIBS) -lcmocka

$(BUILD)/tool/%.so: tests/tool/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c2x -D_GNU_SOURCE $(WARNINGS) -O2 -fPIC -shared -o $@ $<

$(BUILD)/tool/%: tests/tool/%.c $(STORE)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_) $(addprefix -iquote ,base storage) $(LDFLAGS_) -o $@ $^ $(LIBS)

$(BUILD)/obj/tests/bench/%.o: tests/bench/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_) $(addprefix -iquote ,tests/bench base storage/etcd storage) -isystem $(BUILD)/gen -c -o $@ $<

$(BENCHES): $(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(BENCH_PARTS) $(STORE)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_) -o $@ $^ $(LIBS)

.PHONY: run demo drill test programs unit corpus fuzz fuzzers e2e helm asan tsan sanitized valgrind soak cover lint fmt bench docs image install clean help
run: all ## serve DNS on 127.0.0.1:5300 and the API on http://127.0.0.1:8053, store in ./data
	@$(PACKAGES) run
	@sh deploy/run.sh $(BUILD)/acmezone

demo: all need-test ## a local CA issues a wildcard certificate through the server
	@ACMEZONE_BIN=$(BUILD)/acmezone $(PYTHON) tests/e2e/demo.py

drill: all need-test ## kill each way of publishing in turn, and renew a certificate all the same (root)
	@ACMEZONE_BIN=$(BUILD)/acmezone $(PYTHON) tests/e2e/drill.py

test: unit corpus e2e helm ## all tests

programs: all need-test $(UNITS)

unit: need-build need-test $(UNITS) ## unit tests
	@sh tests/unit/run.sh $(UNITS)

corpus: need-build need-test $(FUZZERS) ## the fuzz targets over their corpora
	@sh tests/fuzz/replay.sh $(FUZZERS)

fuzz: need-build need-test need-fuzz ## fuzz every parser for T=60 seconds each, with AddressSanitizer and UndefinedBehaviorSanitizer
	$(MAKE) BUILD=build/fuzzing CC=clang FUZZ=1 SANITIZE=fuzzer-no-link,address,undefined LDFLAGS=-fprofile-instr-generate \
	    CFLAGS="-O1 -g -fprofile-instr-generate -fcoverage-mapping" fuzzers
	bash tests/fuzz/fuzz.sh $(or $(T),60) build/fuzzing/fuzz
fuzzers: $(FUZZERS)

# Network namespaces and other users need root; everybody else runs the rest.
NEED_ROOT := $(addprefix tests/e2e/test_,$(addsuffix .py,chain_netns check check_resolvers drill half_open hook privilege_root recipes_netns watch))
# valgrind takes no sanitized program, and a user who was switched to cannot write the coverage.
E2E ?= tests/e2e
NOT_BUILT_FOR := $(if $(SANITIZE)$(COVER),tests/e2e/test_valgrind.py) $(if $(COVER),tests/e2e/test_privilege_root.py)
e2e: all need-test $(TOOLS) ## tests with the real program, real clients and a real CA
	@[ "$$(id -u)" = 0 ] || echo "not root: left out: $(NEED_ROOT)"
	ACMEZONE_BIN=$(BUILD)/acmezone $(PYTHON) -m pytest -q -p no:cacheprovider $(E2E) \
	    $$([ "$$(id -u)" = 0 ] || echo $(addprefix --ignore=,$(NEED_ROOT))) $(addprefix --ignore=,$(NOT_BUILT_FOR)) $(PYTEST_ARGS)

helm: all need-test need-helm ## render, lint, validate and run the Helm chart, with Helm 3 and 4
	ACMEZONE_BIN=$(BUILD)/acmezone $(PYTHON) -m pytest -q -p no:cacheprovider tests/helm

asan: ## unit tests and end-to-end tests with AddressSanitizer and UndefinedBehaviorSanitizer
	$(MAKE) BUILD=build/asan SANITIZE=address,undefined CFLAGS="-O1 -g" unit e2e

tsan: ## unit tests and end-to-end tests with ThreadSanitizer
	$(MAKE) BUILD=build/tsan SANITIZE=thread CFLAGS="-O1 -g" unit e2e

# Those in which the program does most by itself: what CI has time for.
SANITIZED := $(patsubst %,tests/e2e/test_%.py,abuse_http dns_tcp dns_wire http_busy http_guard http_update many_connections \
                                               running)
sanitized: ## unit tests and part of the end-to-end tests with both: what CI runs
	$(MAKE) -j2 BUILD=build/asan SANITIZE=address,undefined CFLAGS="-O1 -g" programs
	$(MAKE) BUILD=build/asan SANITIZE=address,undefined CFLAGS="-O1 -g" E2E="$(SANITIZED)" unit e2e
	$(MAKE) -j2 BUILD=build/tsan SANITIZE=thread CFLAGS="-O1 -g" programs
	$(MAKE) BUILD=build/tsan SANITIZE=thread CFLAGS="-O1 -g" E2E="$(SANITIZED)" unit e2e

valgrind: all need-test ## one full scenario under memcheck (part of make e2e)
	ACMEZONE_BIN=$(BUILD)/acmezone $(PYTHON) -m pytest -q -p no:cacheprovider tests/e2e/test_valgrind.py

soak: all need-test ## everything at once for T seconds (300): queries, updates, garbage, reloads, restarts, kills
	ACMEZONE_BIN=$(BUILD)/acmezone $(PYTHON) tests/soak/soak.py $(or $(T),300)

cover: ## line coverage of the product by all tests
	$(MAKE) BUILD=build/cover COVER=1 CFLAGS="-O0 -g" test
	@$(PACKAGES) cover
	gcovr --root . --object-directory build/cover --filter '(base|storage|server|api|migrate|acme|client|cli)/' --json build/cover/lines.json --txt
	@for floor in base storage server api migrate acme client cli; do \
	    gcovr --root . -a build/cover/lines.json --filter "$$floor/" --print-summary --output build/cover/lines.txt | sed -n "s#^lines:#$$floor/#p"; done

lint: need-build need-test need-lint ## warnings of clang and gcc -fanalyzer, clang-format, clang-tidy, cppcheck; exposure of the systemd unit
	$(MAKE) BUILD=build/clang CC=clang all
	$(MAKE) BUILD=build/clang CC=clang unit
	clang-format --dry-run -Werror $(SOURCES)
	$(foreach floor,$(FLOORS),clang-tidy --quiet $(wildcard $(floor)/*.c) -- -std=c2x -D_GNU_SOURCE -DACMEZONE_VERSION='"0"' \
	    $(addprefix -iquote ,$(SEES_$(floor))) -isystem build/clang/gen -isystem /usr/include/postgresql 2>/dev/null &&) true
	$(foreach floor,$(FLOORS),cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	    $(addprefix -I,$(SEES_$(floor))) $(floor) &&) true
	$(MAKE) BUILD=build/analyzer CC=gcc CFLAGS="-O1 -fanalyzer -Wno-analyzer-malloc-leak" all # leaks: it takes lists for them
	systemd-analyze security --offline=true --no-pager --threshold=20 deploy/acmezone.service

fmt: ## format the sources
	clang-format -i $(SOURCES)

bench: all need-bench $(BENCHES) ## measure against nsd, knot and bare sockets (QUICK=1: under two minutes)
	ACMEZONE_BIN=$(BUILD)/acmezone $(PYTHON) tests/bench/bench.py $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

image: ## build the container image
	$(or $(shell command -v podman),docker) build -f deploy/Containerfile -t acmezone:$(VERSION) .

docs: all ## write the option table into README.md, deploy/acmezone.cfg and the chart's schema; the alerts into the chart
	$(BUILD)/acmezone config --sample > deploy/acmezone.cfg
	$(BUILD)/acmezone config --markdown > $(BUILD)/options.md
	sed -i -e '/^<!-- options/,/^<!-- end of options/{/^<!--/!d}' -e '/^<!-- options/r $(BUILD)/options.md' README.md
	$(PYTHON) deploy/helm/schema.py $(BUILD)/acmezone
	cp deploy/prometheus/acmezone.rules.yml deploy/helm/acmezone/files/

install: all ## install the program, its sample config and the systemd unit below DESTDIR and PREFIX
	install -D -m 755 $(BUILD)/acmezone $(DESTDIR)$(PREFIX)/bin/acmezone
	ln -sf acmezone $(DESTDIR)$(PREFIX)/bin/acmezone-hook
	install -D -m 644 deploy/acmezone.service $(DESTDIR)/lib/systemd/system/acmezone.service
	install -D -m 644 deploy/acmezone.cfg $(DESTDIR)$(PREFIX)/share/doc/acmezone/acmezone.cfg

clean: ## remove what was built
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z][a-z0-9]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

need-%:
	@$(PACKAGES) $*

.SECONDARY:
-include $(wildcard $(BUILD)/obj/*/*.d $(BUILD)/obj/*/*/*.d)
