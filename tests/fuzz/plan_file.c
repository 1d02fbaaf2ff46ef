/* plan_file.c - fuzz target: any bytes as a plan file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/plan/saved.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct saved_plan *saved = saved_parse(data, size, &err);

    if (!saved) {
        if (err.code != ERR_PLAN_FILE && err.code != ERR_TOO_LARGE)
            abort();
        return 0;
    }
    /* what is shown, and what is looked up in a store, is clean and bounded */
    if (!text_is_clean(saved->server) || strlen(saved->server) > 63 || !text_is_clean(saved->title))
        abort();
    (void)saved_needs_key_of(saved);
    saved_free(saved);
    return 0;
}
