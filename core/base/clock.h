/*
 * clock.h - the time, through a door that a test can close.
 *
 * Units    int64_t seconds since 1970 UTC; _ms is milliseconds of CLOCK_MONOTONIC.
 * Threads  clock_replace() is for tests, before any thread runs.
 */
#ifndef PGSEAL_BASE_CLOCK_H
#define PGSEAL_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/attr.h"

#define CLOCK_DAY      INT64_C(86400)
#define CLOCK_TEXT_MAX 32

int64_t clock_now(void);                  /* seconds UTC */
int64_t clock_mono_ms(void);              /* for deadlines and durations */
void clock_replace(int64_t (*now)(void)); /* NULL: the real clock again */

char *clock_format_rfc3339(char out[CLOCK_TEXT_MAX], int64_t when); /* 2026-11-21T20:15:42Z */
char *clock_format_date(char out[CLOCK_TEXT_MAX], int64_t when);    /* 2026-11-21 (UTC) */
char *clock_format_minute(char out[CLOCK_TEXT_MAX], int64_t when);  /* 2026-11-21 20:15 (UTC) */
bool clock_parse_rfc3339(const char *text, int64_t *ret) MUST_CHECK;

/* Whole days from now until when, rounded towards zero; negative when it is over. */
int64_t clock_days_until(int64_t when);

#endif
