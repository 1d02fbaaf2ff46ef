/* saved_part.h - inside core/plan only: what saved.c and saved_make.c share. */
#ifndef PGSEAL_PLAN_SAVED_PART_H
#define PGSEAL_PLAN_SAVED_PART_H

#include "core/plan/saved.h"
#include "core/plan/step.h"

/* A string of these bytes at most, without control characters; "" only where empty is set; else NULL. */
const char *saved_text(const json_t *object, const char *name, size_t max, bool empty);
const char *saved_string(const json_t *object, const char *field); /* "" when it is none */
bool saved_no_plan(struct err *err, const char *what);
/* Every field of the intent is what its kind wants. */
bool saved_check_want(const json_t *want, struct err *err) MUST_CHECK;
/* The same server, and what was seen is unchanged. */
bool saved_check_server(const struct saved_plan *saved, const struct plan_target *target,
                        struct err *err) MUST_CHECK;

#endif
