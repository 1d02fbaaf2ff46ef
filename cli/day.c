/* day.c - days and ages as people write them. */
#include "config.h"

#include "cli/day.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/text.h"

bool day_parse_age(const char *text, int64_t *ret_seconds, struct err *err)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    size_t len = strlen(text);
    int64_t unit = 86400, n = 0;
    char digits[16];

    for (size_t i = 0; i < ARRAY_LEN(units) && len > 0; i++)
        if (text[len - 1] == units[i].letter) {
            unit = units[i].seconds;
            len--;
            break;
        }
    snprintf(digits, sizeof(digits), "%.*s", (int)len, text);
    if (len == 0 || len >= sizeof(digits) || digits[strspn(digits, "0123456789")] != '\0' ||
        !text_parse_int(digits, 0, 100 * 366 * INT64_C(86400) / unit, &n)) {
        err_set(err, ERR_BAD_VALUE, _("\"%s\" is not an age"), text);
        return err_hint(err, _("Say 30d, 12h, 90m or 2w."));
    }
    *ret_seconds = n * unit;
    return true;
}

bool day_parse_since(const char *text, int64_t *ret, struct err *err)
{
    char day[CLOCK_TEXT_MAX];
    int64_t age;

    snprintf(day, sizeof(day), "%.10sT00:00:00Z", text);
    if (strlen(text) == 10 && clock_parse_rfc3339(day, ret))
        return true;
    if (!day_parse_age(text, &age, err))
        return false;
    *ret = clock_now() - age;
    return true;
}

bool day_option(struct cli *cli, enum option option, bool end, int64_t *ret, struct err *err)
{
    const char *text = args_value(cli->args, option);
    char whole[32];
    size_t len = text ? strlen(text) : 0;
    struct err no_age = ERR_INIT;
    int64_t age;

    if (!text)
        return true;
    if (len > 1 && strchr("mhdw", text[len - 1]) && day_parse_age(text, &age, &no_age)) {
        *ret = clock_now() - age;
        return true;
    }
    snprintf(whole, sizeof(whole), "%.10sT%sZ", text, end ? "23:59:59" : "00:00:00");
    if (len == 10 && clock_parse_rfc3339(whole, ret))
        return true;
    if (clock_parse_rfc3339(text, ret))
        return true;
    err_set(err, ERR_BAD_VALUE, _("\"--%s\" wants a day, not \"%s\""), option_info(option)->name,
            text);
    return err_hint(err, _("As 2026-11-21, 30d for 30 days ago, or 12h."));
}
