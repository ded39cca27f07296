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
LIBS_coracle-image := glib-2.0 jansson sqlite3 libseccomp libcap libarchive libcrypto libzstd libisal libcurl libsodium
LIBS_coracle-slirp := slirp glib-2.0
LIBS_coracle-netd := glib-2.0 jansson libmnl libnftables
# `coracle` alone is linked with archives, the C library's too, where they are all installed (libglib2.0-dev and friends have them): it starts in 0.65 ms where with shared
# libraries it takes 0.95 and more. It loads no modules of the C library's: pkg/base/account asks for users. STATIC= links the shared ones.
STATIC ?= $(if $(SANITIZE),,1)
static_names := glib-2.0 pcre2-8 jansson sqlite3 seccomp c m
static_found := $(foreach l,$(static_names),$(wildcard $(shell $(PKG_CONFIG) --variable=libdir glib-2.0)/lib$(l).a))
static_coracle := $(and $(STATIC),$(filter $(words $(static_names)),$(words $(static_found))))
static_archives := $(filter-out %/libc.a %/libm.a,$(static_found))
static_flags := -static-pie -Wl,--wrap=dlopen
libs_coracle = $(if $(static_coracle),$(static_flags) $(static_archives) $(static_archives),$(shell $(PKG_CONFIG) --libs $(LIBS_coracle)))
# `coracle-image` takes archives but for the C library's, and libarchive's where liblzma-dev and libbz2-dev are: the shared one brings libxml2, ICU and libstdc++ for formats that are not used
# here, four of ten milliseconds of its start. See cmd/coracle-image/archive_static.c for the versions.
static_image_names := $(filter-out c m,$(static_names)) archive lzma bz2
static_image_found := $(if $(shell $(PKG_CONFIG) --exists 'libarchive >= 3.6' 'libarchive < 3.9' && echo yes),$(foreach l,$(static_image_names),$(wildcard $(shell $(PKG_CONFIG) --variable=libdir glib-2.0)/lib$(l).a)))
libs_coracle-image = $(if $(and $(STATIC),$(filter $(words $(static_image_names)),$(words $(static_image_found)))),-Wl$(comma)--start-group $(static_image_found) -Wl$(comma)--end-group \
  $(shell $(PKG_CONFIG) --libs $(filter-out $(LIBS_coracle) libarchive,$(LIBS_coracle-image))),$(shell $(PKG_CONFIG) --libs $(LIBS_coracle-image)))
PROGRAMS := coracle coracle-image coracle-monitor coracle-slirp coracle-port coracle-netd
ALL_LIBS := $(sort $(foreach p,$(PROGRAMS),$(LIBS_$(p))))

# the time that `version` tells: of the source, not of the compiler's run, so that builds can be reproduced
BUILT := $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null),$(shell stat -c %Y VERSION))
CPPFLAGS += -I. -I$(BUILD) -D_GNU_SOURCE -DCORACLE_BUILT=$(BUILT) -DCORACLE_VERSION='"$(VERSION)"' -DCORACLE_LIBEXECDIR='"$(libexecdir)/coracle"'
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

all: $(PROGRAMS:%=$(BUILD)/bin/%) docs

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
	$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(if $$(filter coracle coracle-image,$(1)),$$(libs_$(1)),$$(shell $$(PKG_CONFIG) --libs $$(LIBS_$(1)))) -lm
endef
$(foreach p,$(filter-out coracle-monitor coracle-port,$(PROGRAMS)),$(eval $(call program_rule,$(p))))

# The monitor stays for a container's whole life and starts with every one: static, libc only, no PIE relocations to dirty. With musl it takes a seventh of the time to
# exec, and a tenth of the memory, that it takes with glibc, whose start-up asks the CPU much (slow in a virtual machine). So it is compiled apart, with the
# children's code that it runs; what is not reached from its main is left out. Sanitizers need glibc, and it dynamic.
MUSL_CC := $(if $(SANITIZE),,$(shell command -v musl-gcc))
MONITOR_CC ?= $(if $(MUSL_CC),$(MUSL_CC) -idirafter /usr/include -idirafter /usr/include/$(shell $(CC) -print-multiarch),$(CC))
MONITOR_OBJECTS := $(patsubst %.c,$(BUILD)/monitor/%.o,$(sort $(wildcard cmd/coracle-monitor/*.c pkg/*/*_child.c storage/*_child.c network/*_child.c)) pkg/base/proc.c)
$(BUILD)/monitor/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC    $@)
	$(Q)$(MONITOR_CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/bin/coracle-monitor: $(MONITOR_OBJECTS) $(if $(SANITIZE),$(BUILD)/libcoracle.a)
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(MONITOR_CC) $(if $(SANITIZE),,-static) $(filter-out -Wl$(comma)--as-needed,$(ALL_LDFLAGS)) -o $@ $^ $(if $(SANITIZE),$(shell $(PKG_CONFIG) --libs glib-2.0))

# coracle-port likewise: one for every container with published ports that somebody has connected to
PORT_OBJECTS := $(patsubst %.c,$(BUILD)/monitor/%.o,$(sort $(wildcard cmd/coracle-port/*.c)) $(addprefix network/,port_follow.c port_loop.c port_relay.c port_serve.c port_udp.c port_rules_child.c port_table_child.c pace_child.c) pkg/base/fd_child.c)
$(BUILD)/bin/coracle-port: $(PORT_OBJECTS) $(if $(SANITIZE),$(BUILD)/libcoracle.a)
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(MONITOR_CC) $(if $(SANITIZE),,-static) $(filter-out -Wl$(comma)--as-needed,$(ALL_LDFLAGS)) -o $@ $^ $(if $(SANITIZE),$(shell $(PKG_CONFIG) --libs glib-2.0))

# Man pages and completions come from the command tables, by a program that has them all linked in
$(BUILD)/generate: $(BUILD)/man/generate.o $(filter-out %/main.o,$(call program_objects,coracle)) $(BUILD)/libcoracle.a
	$(call say,LINK  $@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(shell $(PKG_CONFIG) --libs $(LIBS_coracle)) -lm

docs: $(BUILD)/docs.stamp
$(BUILD)/docs.stamp: $(BUILD)/generate man/completion.bash VERSION
	$(call say,DOCS  $(BUILD)/man $(BUILD)/completion)
	$(Q)rm -rf $(BUILD)/man/man1 $(BUILD)/completion && mkdir -p $(BUILD)/man/man1 $(BUILD)/completion
	$(Q)$(BUILD)/generate man $(BUILD)/man/man1
	$(Q)$(BUILD)/generate bash > $(BUILD)/completion/coracle && cat man/completion.bash >> $(BUILD)/completion/coracle
	$(Q)$(BUILD)/generate zsh > $(BUILD)/completion/_coracle
	$(Q)$(BUILD)/generate fish > $(BUILD)/completion/coracle.fish
	@touch $@

install: all
	install -d $(DESTDIR)$(bindir) $(DESTDIR)$(libexecdir)/coracle $(DESTDIR)$(mandir)/man1 $(DESTDIR)$(datadir)/bash-completion/completions \
	  $(DESTDIR)$(datadir)/zsh/site-functions $(DESTDIR)$(datadir)/fish/vendor_completions.d $(DESTDIR)$(prefix)/lib/systemd/user $(DESTDIR)$(prefix)/lib/systemd/system
	install -m 755 $(BUILD)/bin/coracle $(DESTDIR)$(bindir)/coracle
	install -m 755 $(patsubst %,$(BUILD)/bin/%,$(filter-out coracle,$(PROGRAMS))) $(DESTDIR)$(libexecdir)/coracle
	install -m 644 $(BUILD)/man/man1/*.1 $(DESTDIR)$(mandir)/man1
	install -m 644 $(BUILD)/completion/coracle $(DESTDIR)$(datadir)/bash-completion/completions/coracle
	install -m 644 $(BUILD)/completion/_coracle $(DESTDIR)$(datadir)/zsh/site-functions/_coracle
	install -m 644 $(BUILD)/completion/coracle.fish $(DESTDIR)$(datadir)/fish/vendor_completions.d/coracle.fish
	sed 's|@bindir@|$(bindir)|' cmd/coracle/coracle-restart.service.in >$(DESTDIR)$(prefix)/lib/systemd/user/coracle-restart.service
	install -m 644 $(DESTDIR)$(prefix)/lib/systemd/user/coracle-restart.service $(DESTDIR)$(prefix)/lib/systemd/system/coracle-restart.service

$(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(BUILD)/libcoracle.a
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(shell $(PKG_CONFIG) --libs $(ALL_LIBS)) -lm
# this one walks the programs' own tables
$(BUILD)/tests/test-commands: $(filter-out %/main.o,$(call program_objects,coracle))

# a program that system tests mount into containers
$(BUILD)/tests/peer: $(BUILD)/tests/system/peer.o
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(if $(SANITIZE),-fsanitize=$(SANITIZE),-static) -o $@ $^

unit: all $(UNIT_TESTS)
	@for t in $(UNIT_TESTS); do echo "# $$t"; "$$t" || exit 1; done

unit-programs: all $(UNIT_TESTS) $(BUILD)/tests/peer

# every header compiles alone
HEADERS := $(sort $(wildcard pkg/*/*.h storage/*.h network/*.h cmd/*/*.h))
headers: $(HEADERS:%=$(BUILD)/%.alone)
$(BUILD)/%.h.alone: %.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -Werror -fsyntax-only -x c -include $< /dev/null && touch $@

# Fuzz targets need clang and a library with its coverage in it: a tree of its own, build-fuzz
FUZZERS := $(patsubst tests/fuzz/%.c,build-fuzz/%,$(sort $(wildcard tests/fuzz/fuzz-*.c)))
FUZZ_SANITIZE := fuzzer-no-link,address,undefined
fuzz-programs:
	@$(MAKE) --no-print-directory BUILD=build-fuzz CC=clang SANITIZE=$(FUZZ_SANITIZE) CFLAGS='-O1 -g' fuzz-link
fuzz-link: $(FUZZERS)
build-fuzz/fuzz-%: build-fuzz/tests/fuzz/fuzz-%.o build-fuzz/libcoracle.a
	$(call say,LINK  $@)
	$(Q)clang -fsanitize=fuzzer,address,undefined -o $@ $^ $(shell $(PKG_CONFIG) --libs $(ALL_LIBS)) -lm

# What a stranger types (README): these install what is missing
demo:
	@tests/setup demo
	@$(MAKE) --no-print-directory all
	@tests/demo
check:
	@tests/setup check
	@tests/run $(STAGES)
lint:
	@tests/lint
# mend what lint says of formatting
format:
	@git ls-files '*.c' '*.h' | xargs tests/format-check --fix
print-cflags:
	@printf '%s\n' '$(subst ','\'',$(CPPFLAGS) $(filter-out -fstack-protector-strong,$(ALL_CFLAGS)))'
fuzz:
	@FUZZ_SECONDS=$(or $(FUZZ_SECONDS),60) SEED=$(or $(SEED),0) tests/run fuzz
bench:
	@tests/setup bench
	@$(MAKE) --no-print-directory all bench-programs
	@tests/bench/run
# the network's: iperf3 beside slirp4netns and pasta, where they are
bench-network:
	@tests/setup bench
	@$(MAKE) --no-print-directory all bench-programs
	@tests/bench/network
# published ports: iperf3, and wrk on nginx, where they are
bench-ports:
	@tests/setup bench
	@$(MAKE) --no-print-directory all bench-programs
	@tests/bench/ports
bench-programs: $(addprefix $(BUILD)/bench/,turns floor startup parts lines relay)
# turns and lines are static: they also run inside a peer's root, and in a container
$(BUILD)/bench/turns $(BUILD)/bench/lines: $(BUILD)/bench/%: $(BUILD)/tests/bench/%.o
	@mkdir -p $(@D)
	$(Q)$(CC) -static -o $@ $^
$(BUILD)/bench/floor: $(BUILD)/tests/bench/floor.o
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^
$(BUILD)/bench/relay: $(BUILD)/tests/bench/relay.o
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^
$(BUILD)/bench/parts: $(BUILD)/tests/bench/parts.o $(BUILD)/libcoracle.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(shell $(PKG_CONFIG) --libs $(LIBS_coracle)) -lm
$(BUILD)/bench/startup: $(BUILD)/tests/bench/startup.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(shell $(PKG_CONFIG) --libs glib-2.0)

clean:
	rm -rf build build-*

.PHONY: all docs install unit unit-programs headers fuzz-programs fuzz-link demo check lint format print-cflags fuzz bench bench-network bench-ports bench-programs clean
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
