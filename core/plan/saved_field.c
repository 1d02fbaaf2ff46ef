/* saved_field.c - fields of a plan file, which may be anybody's. */
#include "config.h"

#include <string.h>

#include "core/base/intl.h"
#include "core/base/text.h"
#include "core/plan/saved_part.h"

const char *saved_string(const json_t *object, const char *field)
{
    const char *text = json_string_value(json_object_get(object, field));

    return text ? text : "";
}

bool saved_no_plan(struct err *err, const char *what)
{
    err_set(err, ERR_PLAN_FILE, _("this is not a plan file: %s"), what);
    return false;
}

const char *saved_text(const json_t *object, const char *name, size_t max, bool empty)
{
    const json_t *field = json_object_get(object, name);
    const char *text = json_string_value(field);

    if (!text || strlen(text) != json_string_length(field) || strlen(text) > max ||
        (!empty && !*text) || !text_is_clean(text))
        return NULL;
    return text;
}
