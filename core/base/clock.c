/* clock.c - the time, through a door that a test can close. */
#include "config.h"

#include "core/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* The one door: set by tests before any thread runs. */
static int64_t (*replaced_now)(void);

int64_t clock_now(void)
{
    return replaced_now != NULL ? replaced_now() : (int64_t)time(NULL);
}

int64_t clock_mono_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void clock_replace(int64_t (*now)(void))
{
    replaced_now = now;
}

/* The fields of a time in UTC; false beyond the years that a struct tm holds. */
static bool split(int64_t when, struct tm *ret)
{
    time_t t = (time_t)when;

    return gmtime_r(&t, ret) != NULL;
}

char *clock_format_rfc3339(char out[CLOCK_TEXT_MAX], int64_t when)
{
    struct tm tm;

    if (!split(when, &tm) || strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(out, CLOCK_TEXT_MAX, "?");
    return out;
}

char *clock_format_date(char out[CLOCK_TEXT_MAX], int64_t when)
{
    struct tm tm;

    if (!split(when, &tm) || strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%d", &tm) == 0)
        snprintf(out, CLOCK_TEXT_MAX, "?");
    return out;
}

char *clock_format_minute(char out[CLOCK_TEXT_MAX], int64_t when)
{
    struct tm tm;

    if (!split(when, &tm) || strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%d %H:%M", &tm) == 0)
        snprintf(out, CLOCK_TEXT_MAX, "?");
    return out;
}

bool clock_parse_rfc3339(const char *text, int64_t *ret)
{
    struct tm tm;
    const char *end;

    memset(&tm, 0, sizeof(tm));
    end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (end == NULL || *end != '\0')
        return false;
    *ret = (int64_t)timegm(&tm);
    return true;
}

int64_t clock_days_until(int64_t when)
{
    return (when - clock_now()) / CLOCK_DAY;
}
