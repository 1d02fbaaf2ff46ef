/* batch.c - fuzz target: any bytes as a list of roles. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/kit/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = malloc(size + 1);
    struct batch_list list = {NULL, 0};
    struct err err = ERR_INIT;
    struct err name = ERR_INIT;

    memcpy(bytes, data, size); /* a block of its own: reading beyond it is seen */
    if (batch_parse(bytes, size, &list, &err)) {
        check(list.n > 0 && err.code == ERR_NONE);
        for (size_t i = 0; i < list.n; i++) {
            check(name_check_common_name(list.rows[i].role, &name));
            check(list.rows[i].days >= 0 && list.rows[i].line > 0);
            for (size_t k = 0; k < i && i < 40; k++)
                check(strcmp(list.rows[k].role, list.rows[i].role) != 0);
        }
        batch_list_clear(&list);
    } else {
        check(err.code == ERR_BAD_VALUE || err.code == ERR_TOO_LARGE);
        check(list.n == 0 && list.rows == NULL);
    }
    free(bytes);
    return 0;
}
