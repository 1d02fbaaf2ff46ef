/* day.c - options that are a day. */
#include "config.h"

#include "cli/day.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/text.h"

bool day_option(struct cli *cli, enum option option, bool end, int64_t *ret, struct err *err)
{
    const char *text = args_value(cli->args, option);
    char whole[32];
    size_t len = text ? strlen(text) : 0;
    char number[16] = "";
    int64_t days;

    if (!text)
        return true;
    if (len > 1 && len < sizeof(number) && text[len - 1] == 'd') {
        memcpy(number, text, len - 1);
        if (text_parse_int(number, 0, 36525, &days)) {
            *ret = clock_now() - days * CLOCK_DAY;
            return true;
        }
    }
    snprintf(whole, sizeof(whole), "%.10sT%sZ", text, end ? "23:59:59" : "00:00:00");
    if (len == 10 && clock_parse_rfc3339(whole, ret))
        return true;
    if (clock_parse_rfc3339(text, ret))
        return true;
    err_set(err, ERR_BAD_VALUE, _("\"--%s\" wants a day, not \"%s\""), option_info(option)->name,
            text);
    return err_hint(err, _("As 2026-11-21, or 30d for 30 days ago."));
}
