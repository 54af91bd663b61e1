# mailsim: `make demo` plays the first lesson and `make check` runs every test; both first install
# what is missing (tools/setup.sh). `make` builds build/mailsim, `make install` installs it.

# The builds, of which `make check` uses all: each compiler, -O0 to -O3, with sanitizers.
# `make MODE=asan` builds in build-asan/, and so on. `make MODE=fast` is for long runs and for `make
# bench`: the compiler sees the whole program at once, and knows from a program that counts (MODE
# train), which has played the lessons, where it goes. That takes it a minute more.
MODE ?= release
COMPILER_release = gcc
COMPILER_debug = gcc
COMPILER_o3 = clang
COMPILER_fast = gcc
COMPILER_train = gcc
COMPILER_asan = clang
MODE_FLAGS_release = -O2 -g
MODE_FLAGS_debug = -O0 -g
MODE_FLAGS_o3 = -O3 -g
MODE_FLAGS_fast = -O3 -g -flto=auto -fprofile-use -fprofile-partial-training -Wno-missing-profile
MODE_FLAGS_train = -O3 -g -flto=auto -fprofile-generate -fprofile-update=single
MODE_FLAGS_asan = -O1 -g -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all \
	-fno-omit-frame-pointer

ifeq ($(origin CC),default)
CC = $(COMPILER_$(MODE))
endif
BUILD ?= $(if $(filter release,$(MODE)),build,build-$(MODE))
PREFIX ?= /usr/local
PACKAGES = glib-2.0 gio-2.0 libfyaml gmime-3.0 json-glib-1.0

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Werror
PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null | sed 's/-I/-isystem /g')
PACKAGE_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
# What the programs for use allocate with, where it is installed; the tests take the C library's.
# With -flto the linker learns too late that it is needed.
ALLOCATOR := $(if $(filter release fast,$(MODE)),-Xlinker --no-as-needed $(shell pkg-config --libs libtcmalloc_minimal 2>/dev/null))
# -ffp-contract=off: fused multiply-add would make results depend on the machine.
CFLAGS_ALL = -std=c17 -D_GNU_SOURCE -Isim -Iinclude $(WARNINGS) -fvisibility=hidden \
	-ffp-contract=off $(MODE_FLAGS_$(MODE)) $(PACKAGE_CFLAGS) $(CFLAGS)

LIB_SOURCES := $(sort $(wildcard sim/*/*.c))
TOOL_SOURCES := $(sort $(wildcard tools/mailsim/*.c))
TEST_SOURCES := $(sort $(wildcard tests/test_*.c))
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_*.c))
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(BUILD)/%.o)
# What runs for every event is in these rooms: gcc sees them as a whole and makes one object of them.
# The single objects are whole too (-ffat-lto-objects), for who looks into them.
HOT_OBJECTS := $(if $(filter release,$(MODE)),$(foreach room,sim/core sim/net sim/trace,$(filter $(BUILD)/$(room)/%,$(LIB_OBJECTS))))
TOOL_OBJECTS := $(TOOL_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/tools/mailsim/viewer_page.o
BENCH_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tools/bench/*.c)))
TESTS := $(TEST_SOURCES:%.c=$(BUILD)/%)
FUZZERS := $(FUZZ_SOURCES:%.c=$(BUILD)/%)

HOT_FLAGS = -O3 -flto -ffat-lto-objects
$(HOT_OBJECTS): private MODE_FLAGS_release += $(HOT_FLAGS)
# What the library is made of.
PARTS := $(filter-out $(HOT_OBJECTS),$(LIB_OBJECTS)) $(if $(HOT_OBJECTS),$(BUILD)/hot.o)

# V=1 shows whole command lines.
V ?= 0
SAY_0 = @echo "  $(1)  $@";
say = $(SAY_$(V))

.PHONY: all install tests fuzzers
all: $(BUILD)/mailsim

$(BUILD)/mailsim: $(TOOL_OBJECTS) $(BUILD)/libmailsim.a
	$(call say,LD)$(CC) $(CFLAGS_ALL) -o $@ $^ $(PACKAGE_LIBS) $(ALLOCATOR)

$(BUILD)/hot.o: $(HOT_OBJECTS)
	$(call say,LTO)$(CC) $(CFLAGS_ALL) $(HOT_FLAGS) -flto-partition=one -r -flinker-output=nolto-rel -o $@ $^

$(BUILD)/libmailsim.a: $(PARTS)
	@rm -f $@
	$(call say,AR)ar rcs $@ $^

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libmailsim.a
	$(call say,LD)$(CC) $(CFLAGS_ALL) -o $@ $^ $(PACKAGE_LIBS) -lcmocka -lm

$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/libmailsim.a
	$(call say,LD)$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(PACKAGE_LIBS)

# What MODE=fast knows of a run lies beside its objects, which MODE=train has made first. It holds for
# these sources and flags alone, so after every change it is learnt anew.
LESSONS = $(wildcard scenarios/*/scenario.yaml)
TRAINED = $(if $(filter fast,$(MODE)),$(BUILD)/trained)
$(BUILD)/trained: Makefile $(wildcard sim/*/* include/*/* tools/mailsim/*) $(LESSONS)
	@mkdir -p $(BUILD)
	@find $(BUILD) '(' -name '*.o' -o -name '*.gcda' ')' -delete
	@$(MAKE) --no-print-directory MODE=train BUILD=$(BUILD) $(BUILD)/mailsim
	@for lesson in $(LESSONS); do \
		for way in --quiet --level=protocol --trace=/dev/null; do \
		$(BUILD)/mailsim run $$way $$lesson >/dev/null || exit 1; done; done
	@touch $@

$(BUILD)/%.o: %.c $(TRAINED)
	$(if $(PACKAGE_LIBS),,$(error Libraries are missing; `tools/setup.sh demo` installs them))
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# The viewer's page, as committed: only who changes it needs Node (tools/viewer/README.md).
$(BUILD)/tools/mailsim/viewer_page.o: tools/mailsim/viewer_page.S tools/viewer/page.html $(TRAINED)
	@mkdir -p $(@D)
	$(call say,AS)$(CC) -c -o $@ $<

# The library as it is installed: one object, in which only the public names can be seen.
$(BUILD)/public/libmailsim.a: $(PARTS)
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR)ld -r -o $(@D)/mailsim.o $^ && objcopy --localize-hidden $(@D)/mailsim.o && \
		ar rcs $@ $(@D)/mailsim.o

VERSION = $(shell sed -n 's/.*MS_VERSION "\(.*\)"/\1/p' include/mailsim/version.h)
INSTALLED = $(DESTDIR)$(PREFIX)

install: $(BUILD)/mailsim $(BUILD)/public/libmailsim.a
	install -d $(INSTALLED)/bin $(INSTALLED)/lib/pkgconfig $(INSTALLED)/include/mailsim \
		$(INSTALLED)/share/mailsim $(INSTALLED)/share/man/man1 \
		$(INSTALLED)/share/bash-completion/completions
	install $(BUILD)/mailsim $(INSTALLED)/bin
	install -m 644 $(BUILD)/public/libmailsim.a $(INSTALLED)/lib
	install -m 644 tools/mailsim/mailsim.1 $(INSTALLED)/share/man/man1
	install -m 644 tools/mailsim/completion.bash $(INSTALLED)/share/bash-completion/completions/mailsim
	install -m 644 include/mailsim/*.h $(INSTALLED)/include/mailsim
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|; s|@PACKAGES@|$(PACKAGES)|' \
		tools/mailsim.pc.in > $(INSTALLED)/lib/pkgconfig/mailsim.pc
	cp -R scenarios $(INSTALLED)/share/mailsim

# Canaries: the program with a defect put in by the linker, which `mailsim torture` must find
# (tests/canary, tools/check/torture.py). Each says which functions its own stand in for.
CANARIES = $(BUILD)/tests/canary/sync $(BUILD)/tests/canary/journal $(BUILD)/tests/canary/recovery \
	$(BUILD)/tests/canary/refusal
WRAPS_sync = disk_plan_sync
WRAPS_journal = disk_plan_append_octets disk_plan_append_value
WRAPS_recovery = spool_recover
WRAPS_refusal = spool_add

.PHONY: canaries
canaries: $(CANARIES)
$(BUILD)/tests/canary/%: $(BUILD)/tests/canary/%.o $(TOOL_OBJECTS) $(BUILD)/libmailsim.a
	$(call say,LD)$(CC) $(CFLAGS_ALL) $(WRAPS_$*:%=-Wl,--wrap=%) -o $@ $^ $(PACKAGE_LIBS)

# `make tests` builds every test; `make run-NAME` builds and runs tests/test_NAME.c alone.
tests: $(TESTS)
run-%: $(BUILD)/tests/test_%
	G_SLICE=always-malloc $<

# `make fuzz-NAME` fuzzes with tests/fuzz/fuzz_NAME.c until it is stopped or finds a defect.
fuzzers: $(FUZZERS)
fuzz-%:
	@$(MAKE) --no-print-directory MODE=asan build-asan/tests/fuzz/fuzz_$*
	tools/check/fuzz.py --forever build-asan/tests/fuzz/fuzz_$*

include tools/check/check.mk

# `make bench` measures speed, as rates and ratios of one run (tools/bench/bench.c), then the viewer's
# where there is a Chromium; in MODE=fast, unless MODE says otherwise.
.PHONY: bench measure
bench:
	@$(MAKE) --no-print-directory MODE=$(if $(filter file,$(origin MODE)),fast,$(MODE)) measure
measure: $(BUILD)/bench $(BUILD)/mailsim
	$<
	$< million
	@if command -v chromium >/dev/null && command -v npm >/dev/null; then \
		tools/check/viewer.py --bench $(BUILD)/mailsim; \
	else echo "viewer: skipped, as Chromium or npm is not installed"; fi

# How the viewer opens and scrubs a hundred thousand records, in Chromium.
.PHONY: bench-viewer
bench-viewer: $(BUILD)/mailsim
	@tools/check/viewer.py --bench $<
$(BUILD)/bench: $(BENCH_OBJECTS) $(BUILD)/libmailsim.a
	$(call say,LD)$(CC) $(CFLAGS_ALL) -o $@ $^ $(PACKAGE_LIBS) $(ALLOCATOR)

.SECONDARY:
-include $(shell find $(BUILD) -type f -name '*.d' 2>/dev/null)
