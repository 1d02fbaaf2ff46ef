/* options.c - what a rotation remembers beside its phase: a JSON object of its row. */
#include "config.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/rotate/options.h"

json_t *rotate_options(const struct rotation *rotation)
{
    json_t *options = json_loads(rotation->options, 0, NULL);

    if (json_is_object(options))
        return options;
    json_decref(options);
    return json_object();
}

void rotate_put_options(struct rotation *rotation, json_t *options)
{
    free(rotation->options);
    rotation->options = json_dumps(options, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(options);
}

bool rotate_save_options(struct rotate_work *work, json_t *options, const char *detail,
                         struct err *err)
{
    rotate_put_options(work->rotation, options);
    return rotation_save(work->store, work->rotation, detail, err);
}

char *rotate_option(const struct rotation *rotation, const char *name)
{
    json_t *options = rotate_options(rotation);
    const char *value = json_string_value(json_object_get(options, name));
    char *copy = mem_strdup(value ? value : "");

    json_decref(options);
    return copy;
}

bool rotate_set_option(struct rotate_work *work, const char *name, const char *value,
                       const char *detail, struct err *err)
{
    json_t *options = rotate_options(work->rotation);

    json_object_set_new(options, name, json_string(value));
    return rotate_save_options(work, options, detail, err);
}
