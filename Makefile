# privacy_retention: build, install, test.
#
#	make, make install			with the server that PG_CONFIG (default: pg_config) names
#	make installcheck			regress, isolation and TAP tests of what is installed, on
#								servers of their own; not as root
#	make test					the same, hermetic: nothing is written below /usr, root or not;
#								installs what is missing first (.ci/setup)
#	make demo, make bench		see demo/ and bench/; make demo-stop ends the demo's server
#	make sanitize				the suites under AddressSanitizer (.ci/sanitize; needs npm)
#	make lint					layers, style, formatting, warnings
#	make indent					formats src/ (pg_bsd_indent)

EXTENSION = privacy_retention
MODULE_big = privacy_retention
OBJS = $(patsubst %.c,%.o,$(wildcard src/*.c src/*/*.c))
DATA = privacy_retention--1.0.sql $(wildcard privacy_retention--*--*.sql)
DATA_built = privacy_retention--1.1.sql
EXTRA_CLEAN = build $(VERIFIER)

# Verifies a dumped ledger without a server: links what is plain C of evidence/.
VERIFIER = bin/privacy_retention_verify
VERIFIER_SOURCES = $(wildcard bin/*.c) \
	$(patsubst %,src/evidence/%.c,entry chain merkle note signature)

# The rooms that have SQL, in the order in which the script creates them: a wing
# only after the wings below it.  make lint proves that none is missing.
SQL_ROOMS = \
	base/schema \
	policy/category \
	policy/provider \
	policy/jsonb_keys \
	policy/rule \
	policy/ddl \
	pseudonym/hkdf \
	pseudonym/epoch \
	pseudonym/token \
	evidence/ledger \
	evidence/merkle \
	evidence/checkpoint \
	evidence/shorten \
	guard/guard \
	guard/suspension \
	guard/hold_guard \
	sentry/late_write \
	enforce/state \
	enforce/blocked \
	enforce/protection \
	enforce/pause \
	enforce/jump \
	enforce/confirmation \
	erase/round \
	erase/page \
	erase/scrub \
	erase/horizon \
	erase/residue \
	command/hold_ddl \
	command/keep \
	command/detach \
	command/attach \
	command/unlabelled \
	command/names \
	command/dropped \
	report/preview \
	report/status \
	report/alarm \
	report/deadline \
	report/explain \
	report/personal \
	report/coverage \
	report/declared \
	report/finding_installation \
	report/finding_guard \
	report/finding_rule \
	report/finding_copy \
	report/finding_residue \
	report/finding_erasure \
	report/check \
	worker/call \
	worker/ledger_period \
	worker/roster \
	worker/cron \
	worker/job

SQL_LISTED = $(wildcard $(SQL_ROOMS:%=src/%.sql))
SQL_FILES = $(SQL_LISTED) $(filter-out $(SQL_LISTED),$(sort $(wildcard src/*/*.sql)))

# Tests: first what the others build on, then the rest by name.
REGRESS_FIRST = install settings category label rule
REGRESS_FOUND = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS = $(filter $(REGRESS_FOUND),$(REGRESS_FIRST)) $(filter-out $(REGRESS_FIRST),$(REGRESS_FOUND))
ISOLATION = $(patsubst specs/%.spec,%,$(sort $(wildcard specs/*.spec)))
TAP_TESTS = $(if $(wildcard t/*.pl),1)
REGRESS_OPTS = --load-extension=$(EXTENSION) \
	--temp-instance=build/check/regress --temp-config=build/check/regress.conf
ISOLATION_OPTS = --load-extension=$(EXTENSION) \
	--temp-instance=build/check/isolation --temp-config=build/check/isolation.conf

# RETENTION_CFLAGS: for example -Werror, -DUSE_ASSERT_CHECKING
PG_CFLAGS = -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers $(RETENTION_CFLAGS)
PG_CPPFLAGS = -I$(srcdir)/src
srcdir = .

PG_CONFIG ?= pg_config
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))
ifneq ($(PGXS),)
include $(PGXS)
else
all install installcheck:
	@echo "no server headers: PG_CONFIG ($(PG_CONFIG)) has no PGXS; .ci/setup finds or installs them" >&2; exit 1
endif

# Signatures of checkpoints: with OpenSSL, where the server has it.
ifeq ($(with_ssl),openssl)
OPENSSL := $(shell echo '\#include <openssl/evp.h>' | $(CC) $(CPPFLAGS) -E - > /dev/null 2>&1 && echo yes)
endif
ifeq ($(OPENSSL),yes)
override CPPFLAGS += -DRETENTION_WITH_OPENSSL
SHLIB_LINK += -lcrypto

all: $(VERIFIER)
$(VERIFIER): $(VERIFIER_SOURCES) $(wildcard bin/*.h src/evidence/*.h) build/inputs
	$(CC) $(CFLAGS) -D_GNU_SOURCE -DRETENTION_WITH_OPENSSL -DRETENTION_VERSION='"$(shell sed -n "s/^default_version = '\(.*\)'/\1/p" $(EXTENSION).control)"' \
		-I$(srcdir)/src -I$(srcdir)/bin $(VERIFIER_SOURCES) $(LDFLAGS) -lcrypto -o $@
install: install-verifier
install-verifier: $(VERIFIER)
	$(MKDIR_P) '$(DESTDIR)$(bindir)'
	$(INSTALL_PROGRAM) $(VERIFIER) '$(DESTDIR)$(bindir)'
uninstall: uninstall-verifier
uninstall-verifier:
	rm -f '$(DESTDIR)$(bindir)/$(notdir $(VERIFIER))'
.PHONY: install-verifier uninstall-verifier
endif

privacy_retention--1.1.sql: $(SQL_FILES) Makefile
	{ printf '\\echo Use "CREATE EXTENSION privacy_retention" to load this file. \\quit\n'; \
	  for file in $(SQL_FILES); do echo; cat $$file || exit; done; } > $@.tmp
	mv $@.tmp $@

# No generated dependencies in PGXS: a changed header compiles everything anew,
# and so do another server, other flags, or a file that came or went.
ROOMS = $(sort $(wildcard src/*.c src/*/*.c src/*/*.h))
$(OBJS): $(filter %.h,$(ROOMS)) build/inputs
build/inputs: always
	@mkdir -p build
	@echo '$(VERSION) $(includedir_server) $(CFLAGS) $(ROOMS)' | cmp -s - $@ || \
	echo '$(VERSION) $(includedir_server) $(CFLAGS) $(ROOMS)' > $@

installcheck: check-settings
check-settings:
	@.ci/check-settings build/check regress isolation

lists:
	@echo 'regress=$(REGRESS)'; echo 'isolation=$(ISOLATION)'; \
	echo 'sql=$(SQL_ROOMS)'

test: setup
	@.ci/test
demo: setup
	@demo/run
demo-stop:
	@demo/run stop
bench: setup
	@bench/run
	@bench/guard
	@bench/erase
lint: setup
	@.ci/lint
sanitize: setup
	@.ci/sanitize
indent: setup
	@.ci/lint --indent
setup:
	@.ci/setup

.PHONY: always check-settings lists test demo demo-stop bench lint sanitize indent setup
