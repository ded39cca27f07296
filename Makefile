# Coracle: see README.md for what to type. Targets: all, check, lint, bench, demo, install, clean.
prefix ?= /usr/local
bindir ?= $(prefix)/bin
libexecdir ?= $(prefix)/libexec
mandir ?= $(prefix)/share/man
datadir ?= $(prefix)/share
CC ?= cc
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
VERSION := $(shell cat VERSION)
BUILD ?= build$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))
comma := ,

# Libraries by program: what `coracle` links is part of its speed (DESIGN: why several programs); a test holds it to this list.
LIBS_coracle := glib-2.0 jansson sqlite3 libseccomp libcap
LIBS_coracle-image := glib-2.0 jansson sqlite3 libseccomp libcap libarchive libcrypto libzstd libisal
LIBS_coracle-slirp := slirp libseccomp libcap
PROGRAMS := coracle coracle-image coracle-monitor coracle-slirp
ALL_LIBS := $(sort $(foreach p,$(PROGRAMS),$(LIBS_$(p))))

CPPFLAGS += -I. -I$(BUILD) -D_GNU_SOURCE -DCORACLE_VERSION='"$(VERSION)"' -DCORACLE_LIBEXECDIR='"$(libexecdir)/coracle"'
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wno-unused-parameter -Wno-unused-result -Wno-missing-field-initializers
ALL_CFLAGS = -std=gnu11 $(WARNINGS) $(if $(DEVELOPER),-Werror) -fstack-protector-strong -ffunction-sections -fdata-sections $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer,-D_FORTIFY_SOURCE=2) \
  $(shell $(PKG_CONFIG) --cflags $(ALL_LIBS)) $(CFLAGS)
# full binding at start: libraries are few, and a child after clone must not run the lazy resolver
ALL_LDFLAGS = -Wl,--as-needed -Wl,--gc-sections -Wl,-z,relro,-z,now $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)

LIB_SOURCES := $(sort $(wildcard pkg/*/*.c storage/*.c network/*.c))
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(BUILD)/%.o)
# cmd/common is the command line that these two share
program_objects = $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard cmd/$(1)/*.c $(if $(filter coracle coracle-image,$(1)),cmd/common/*.c))))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/unit/test-*.c)))

# V=1 shows the commands
Q := $(if $(V),,@)
say = @echo '  $(1)'

all: $(PROGRAMS:%=$(BUILD)/bin/%)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC    $@)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libcoracle.a: $(LIB_OBJECTS)
	@rm -f $@
	$(call say,AR    $@)
	$(Q)$(AR) rcs $@ $^

define program_rule
$(BUILD)/bin/$(1): $(call program_objects,$(1)) $(BUILD)/libcoracle.a
	@mkdir -p $$(@D)
	$$(call say,LINK  $$@)
	$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(if $$(LIBS_$(1)),$$(shell $$(PKG_CONFIG) --libs $$(LIBS_$(1))))
endef
$(foreach p,$(filter-out coracle-monitor,$(PROGRAMS)),$(eval $(call program_rule,$(p))))

# The monitor stays for a container's whole life: static, libc only, no PIE relocations to dirty
$(BUILD)/bin/coracle-monitor: $(call program_objects,coracle-monitor) $(BUILD)/libcoracle.a
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(if $(SANITIZE),,-static) $(filter-out -Wl$(comma)--as-needed,$(ALL_LDFLAGS)) -o $@ $^

$(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(BUILD)/libcoracle.a
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(shell $(PKG_CONFIG) --libs $(ALL_LIBS))

unit: all $(UNIT_TESTS)
	@for t in $(UNIT_TESTS); do echo "# $$t"; "$$t" || exit 1; done

clean:
	rm -rf build build-*

.PHONY: all unit clean
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
