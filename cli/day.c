/* day.c - options that are a day. */
#include "config.h"

#include "cli/day.h"

#include <stdio.h>
#include <string.h>

#include "cli/sessions.h"
#include "core/base/clock.h"
#include "core/base/intl.h"

bool day_option(struct cli *cli, enum option option, bool end, int64_t *ret, struct err *err)
{
    const char *text = args_value(cli->args, option);
    char whole[32];
    size_t len = text ? strlen(text) : 0;
    struct err no_age = ERR_INIT;
    int64_t age;

    if (!text)
        return true;
    if (len > 1 && strchr("mhdw", text[len - 1]) && sessions_parse_age(text, &age, &no_age)) {
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
