# mailsim: `make demo` plays the first lesson, `make check` runs every test, `make` builds
# build/mailsim. Each installs what is missing first (tools/setup.sh).

ifeq ($(origin CC),default)
CC = gcc
endif
BUILD ?= build
MODE ?= release
PACKAGES = glib-2.0 gio-2.0 libfyaml gmime-3.0 json-glib-1.0

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Werror
MODE_FLAGS_release = -O2 -g
MODE_FLAGS_debug = -O0 -g
MODE_FLAGS_asan = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null | sed 's/-I/-isystem /g')
PACKAGE_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
# -ffp-contract=off: fused multiply-add would make results depend on the machine.
CFLAGS_ALL = -std=c17 -D_GNU_SOURCE -Isim -Iinclude $(WARNINGS) -fvisibility=hidden \
	-ffp-contract=off $(MODE_FLAGS_$(MODE)) $(PACKAGE_CFLAGS) $(CFLAGS)

LIB_SOURCES := $(sort $(wildcard sim/*/*.c))
TOOL_SOURCES := $(sort $(wildcard tools/mailsim/*.c))
TEST_SOURCES := $(sort $(wildcard tests/test_*.c))
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(BUILD)/%.o)
TOOL_OBJECTS := $(TOOL_SOURCES:%.c=$(BUILD)/%.o)
TESTS := $(TEST_SOURCES:tests/%.c=$(BUILD)/tests/%)

# V=1 shows whole command lines.
V ?= 0
SAY_0 = @echo "  $(1)  $@";
say = $(SAY_$(V))

.PHONY: all tests
all: $(BUILD)/mailsim

$(BUILD)/mailsim: $(TOOL_OBJECTS) $(BUILD)/libmailsim.a
	$(call say,LD)$(CC) $(CFLAGS_ALL) -o $@ $^ $(PACKAGE_LIBS)

$(BUILD)/libmailsim.a: $(LIB_OBJECTS)
	@rm -f $@
	$(call say,AR)ar rcs $@ $^

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libmailsim.a
	$(call say,LD)$(CC) $(CFLAGS_ALL) -o $@ $^ $(PACKAGE_LIBS) -lcmocka

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# `make tests` builds every test; `make run-NAME` builds and runs tests/test_NAME.c alone.
tests: $(TESTS)
run-%: $(BUILD)/tests/test_%
	$<

# `make bench` measures speed, as rates and ratios of one run (tools/bench/bench.c).
.PHONY: bench
bench: $(BUILD)/bench
	$<
$(BUILD)/bench: $(BUILD)/tools/bench/bench.o $(BUILD)/libmailsim.a
	$(call say,LD)$(CC) $(CFLAGS_ALL) -o $@ $^ $(PACKAGE_LIBS)

.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
