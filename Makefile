# acmezone: `make help` lists what can be made.
#
# BUILD names the folder of one variant (build, build/asan, build/tsan, build/cover); SANITIZE and COVER choose its flags.
# Each folder of the house is compiled with -iquote only for the floors it may see, so a wrong include is "file not found".

BUILD    ?= build
VERSION  := 0.1.0
PYTHON   := /usr/bin/python3
PACKAGES := sh deploy/packages.sh

SEES_base    := base
SEES_storage := storage base
SEES_server  := server storage base
SEES_api     := api storage base
SEES_cli     := cli api server storage base
FLOORS       := base storage server api cli

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Werror
HARDEN   := -D_FORTIFY_SOURCE=2 -fstack-protector-strong
ifdef SANITIZE
HARDEN   := -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
endif
ifdef COVER
HARDEN   := --coverage -fprofile-update=atomic
endif
CFLAGS   ?= -O2 -g
CFLAGS_  := -std=c2x -D_GNU_SOURCE -DACMEZONE_VERSION='"$(VERSION)"' -fPIE -pthread -MMD -MP $(WARNINGS) $(HARDEN) $(CFLAGS)
LDFLAGS_ := -pie -pthread -Wl,-z,relro,-z,now $(HARDEN) $(LDFLAGS)
LIBS     := -luv -lldns -llmdb -lmicrohttpd -lgnutls -ljansson -largon2 -lnettle

objects   = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(1)/*.c))
OBJECTS  := $(foreach floor,$(FLOORS),$(call objects,$(floor)))
TESTED   := $(filter-out $(BUILD)/obj/cli/main.o,$(OBJECTS))
UNITS    := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
HELPERS  := $(patsubst tests/unit/%.c,$(BUILD)/obj/tests/unit/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
SOURCES  := $(wildcard $(addsuffix /*.[ch],$(FLOORS)) tests/unit/*.[ch] tests/bench/*.[ch])

.DEFAULT_GOAL := all
.PHONY: all
all: need-build $(BUILD)/acmezone ## build build/acmezone

$(BUILD)/acmezone: $(OBJECTS)
	$(CC) $(LDFLAGS_) -o $@ $^ $(LIBS)

define floor
$(BUILD)/obj/$(1)/%.o: $(1)/%.c
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS_) $$(addprefix -iquote ,$$(SEES_$(1))) -c -o $$@ $$<
endef
$(foreach name,$(FLOORS),$(eval $(call floor,$(name))))

$(BUILD)/obj/tests/unit/%.o: tests/unit/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_) $(addprefix -iquote ,tests/unit $(FLOORS)) -c -o $@ $<

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(HELPERS) $(TESTED)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_) -o $@ $^ $(LIBS) -lcmocka

.SECONDARY:
-include $(wildcard $(BUILD)/obj/*/*.d $(BUILD)/obj/tests/unit/*.d)
