/* err_code.c - the table of error codes as data. */
#include "core/base/err_code.h"

#include "core/base/attr.h"

static const struct err_code_info table[] = {
#define X(name, number, title, cause, help) {name, #name, title, cause, help},
    ERR_CODES(X)
#undef X
};

const struct err_code_info *err_code_table(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(table);
    return table;
}

const struct err_code_info *err_code_info(int number)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if ((int)table[i].code == number)
            return &table[i];
    }
    return NULL;
}
