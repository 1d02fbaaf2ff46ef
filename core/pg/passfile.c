/* passfile.c - the same tests as libpq's, without its words. */
#include "config.h"

#include "core/pg/passfile.h"

#include <stdlib.h>
#include <sys/stat.h>

bool passfile_is_loose(const struct params *params, struct strbuf *ret_path)
{
    const char *path = params_get(params, "passfile");
    const char *home = getenv("HOME");
    struct stat st;

    if (!path || !path[0])
        path = getenv("PGPASSFILE");
    strbuf_reset(ret_path);
    if (path && path[0])
        strbuf_add_str(ret_path, path);
    else if (home && home[0])
        strbuf_printf(ret_path, "%s/.pgpass", home);
    else
        return false;
    return !stat(ret_path->data, &st) &&
           (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)));
}
