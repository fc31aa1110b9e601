EXTENSION = privacy_retention
MODULE_big = privacy_retention
OBJS = $(patsubst %.c,%.o,$(wildcard src/*.c src/*/*.c))
DATA_built = privacy_retention--1.0.sql
PG_CPPFLAGS = -I$(srcdir)/src
PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
srcdir = .
include $(PGXS)
WINGS = base policy pseudonym evidence enforce erase rights report worker
privacy_retention--1.0.sql: $(foreach w,$(WINGS),$(sort $(wildcard src/$(w)/*.sql)))
	cat $^ > $@
$(OBJS): $(wildcard src/*/*.h)
