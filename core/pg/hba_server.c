/* hba_server.c - the server's own word about its pg_hba.conf. */
#include "config.h"

#include "core/base/intl.h"
#include "core/pg/hba.h"

bool hba_check_on_server(struct conn *conn, struct err *err)
{
    /* A line that cannot be read has no type, also where error is NULL: a bad clientcert or clientname
     * (measured, 14 to 18). One with a type and an error is read, and only fits nobody: hostssl while
     * ssl is off. */
    static const char sql[] =
        "SELECT line_number, coalesce(error, '') FROM pg_catalog.pg_hba_file_rules "
        "WHERE type IS NULL ORDER BY line_number LIMIT 1";
    struct result *result = conn_exec(conn, sql, 0, NULL, err);
    bool good;

    if (!result)
        return false;
    good = result_rows(result) == 0;
    if (!good) {
        const char *why = result_get(result, 0, 1);

        err_set(err, ERR_HBA, _("line %s of pg_hba.conf: %s"), result_get(result, 0, 0),
                why && *why ? why : _("the server cannot read it"));
    }
    result_free(result);
    return good;
}
