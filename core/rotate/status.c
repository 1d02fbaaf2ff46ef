/* status.c - how a rotation stands and what came of an act: filled in by its kind, cleared by the caller. */
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/rotate/kind.h"

struct rotate_server *rotate_add_server(struct rotate_server **servers, size_t *n, const char *name)
{
    *servers = mem_realloc_array(*servers, *n + 1, sizeof(**servers));
    (*servers)[*n] = (struct rotate_server){.name = mem_strdup(name), .err = ERR_INIT};
    return &(*servers)[(*n)++];
}

void rotate_servers_clear(struct rotate_server **servers, size_t *n)
{
    for (size_t i = 0; i < *n; i++)
        free((*servers)[i].name);
    free(*servers);
    *servers = NULL;
    *n = 0;
}

void rotate_status_clear(struct rotate_status *status)
{
    for (size_t i = 0; i < status->n_blockers; i++)
        free(status->blockers[i]);
    free(status->blockers);
    for (size_t i = 0; i < status->n_notices; i++)
        free(status->notices[i]);
    free(status->notices);
    rotate_servers_clear(&status->servers, &status->n_servers);
    use_list_clear(&status->left);
    use_quiet_clear(&status->quiet);
    free(status->proposal);
    *status = (struct rotate_status){.n_phases = 0};
}

void rotate_outcome_clear(struct rotate_outcome *outcome)
{
    rotate_servers_clear(&outcome->servers, &outcome->n_servers);
    for (size_t i = 0; i < outcome->n_files; i++)
        free(outcome->files[i]);
    free(outcome->files);
    *outcome = (struct rotate_outcome){.from = 0};
}

void rotate_block(struct rotate_status *status, const char *fmt, ...)
{
    struct strbuf text = STRBUF_INIT;
    va_list args;

    va_start(args, fmt);
    strbuf_vprintf(&text, fmt, args);
    va_end(args);
    status->blockers =
        mem_realloc_array(status->blockers, status->n_blockers + 1, sizeof(status->blockers[0]));
    status->blockers[status->n_blockers++] = strbuf_steal(&text);
}

void rotate_block_server(struct rotate_status *status, const struct rotate_server *server)
{
    if (!server->asked || !server->reached)
        rotate_block(status, _("\"%s\" was not reached: %s"), server->name, server->err.msg);
    else if (server->err.hint[0] != '\0')
        rotate_block(status, "\"%s\": %s. %s", server->name, server->err.msg, server->err.hint);
    else
        rotate_block(status, "\"%s\": %s", server->name, server->err.msg);
}

void rotate_notice(struct rotate_status *status, const char *fmt, ...)
{
    struct strbuf text = STRBUF_INIT;
    va_list args;

    va_start(args, fmt);
    strbuf_vprintf(&text, fmt, args);
    va_end(args);
    status->notices =
        mem_realloc_array(status->notices, status->n_notices + 1, sizeof(status->notices[0]));
    status->notices[status->n_notices++] = strbuf_steal(&text);
}

void rotate_add_file(struct rotate_outcome *outcome, const char *path)
{
    outcome->files =
        mem_realloc_array(outcome->files, outcome->n_files + 1, sizeof(outcome->files[0]));
    outcome->files[outcome->n_files++] = mem_strdup(path);
}
