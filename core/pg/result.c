/* result.c - the rows of one statement. */
#include "config.h"

#include "core/pg/result.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/strbuf.h"
#include "core/base/text.h"

struct result {
    PGresult *pg;
};

struct result *result_take(PGresult *pg)
{
    struct result *result = NULL;

    if (!pg)
        return NULL;
    result = mem_zalloc(sizeof(*result));
    result->pg = pg;
    return result;
}

void result_free(struct result *result)
{
    if (!result)
        return;
    PQclear(result->pg);
    free(result);
}

int result_rows(const struct result *result)
{
    return PQntuples(result->pg);
}

int result_columns(const struct result *result)
{
    return PQnfields(result->pg);
}

const char *result_get(const struct result *result, int row, int column)
{
    const char *text;

    if (row < 0 || row >= PQntuples(result->pg) || column < 0 || column >= PQnfields(result->pg))
        return NULL;
    text = PQgetvalue(result->pg, row, column); /* "" for NULL too */
    return text[0] != '\0' || !PQgetisnull(result->pg, row, column) ? text : NULL;
}

size_t result_len(const struct result *result, int row, int column)
{
    return result_get(result, row, column) ? (size_t)PQgetlength(result->pg, row, column) : 0;
}

int64_t result_int(const struct result *result, int row, int column, int64_t if_null)
{
    const char *text = result_get(result, row, column);
    int64_t value = 0;

    return text && text_parse_int(text, INT64_MIN, INT64_MAX, &value) ? value : if_null;
}

bool result_bool(const struct result *result, int row, int column)
{
    return text_equal(result_get(result, row, column), "t");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool result_bytes(const struct result *result, int row, int column, struct strbuf *out)
{
    const char *text = result_get(result, row, column);
    size_t len = result_len(result, row, column);
    size_t before = out->len;

    if (!text || len < 2 || len % 2 || text[0] != '\\' || text[1] != 'x')
        return false;
    for (size_t i = 2; i < len; i += 2) {
        int high = hex_digit(text[i]);
        int low = hex_digit(text[i + 1]);

        if (high < 0 || low < 0) {
            strbuf_truncate(out, before);
            return false;
        }
        strbuf_add_char(out, (char)(high * 16 + low));
    }
    return true;
}
