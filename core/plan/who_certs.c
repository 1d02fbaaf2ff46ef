/* who_certs.c - one query by an index for each role. */
#include "config.h"

#include "core/plan/who_certs.h"

#include <stdlib.h>

#include "core/pg/settings.h"
#include "core/pg/tls_file.h"
#include "core/store/issued.h"

/* True when every CA that the server trusts is one of ours. */
static bool all_ours(struct store *store, const struct tls_file *file, bool *ret, struct err *err)
{
    *ret = file->state == TLS_FILE_READ && file->certs.n > 0;
    for (size_t i = 0; i < file->certs.n && *ret; i++) {
        struct authority *authority = NULL;

        if (!authority_find(store, file->certs.certs[i], &authority, err))
            return false;
        *ret = authority != NULL;
        authority_free(authority);
    }
    return true;
}

static bool is_trusted(const struct tls_file *file, const struct issued *issued)
{
    if (file->state != TLS_FILE_READ)
        return true; /* not known: it may be */
    for (size_t i = 0; i < file->certs.n; i++) {
        if (cert_issued_by(issued->cert, file->certs.certs[i]))
            return true;
    }
    return false;
}

static bool count(struct store *store, const struct tls_file *file, const char *role, int *ret,
                  struct err *err)
{
    struct issued_list list;

    *ret = 0;
    if (!issued_list_usable(store, role, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++)
        *ret += is_trusted(file, list.rows[i]);
    issued_list_clear(&list);
    return true;
}

/* The names of a map are those of certificates, whatever the role. */
static bool count_mapped(struct store *store, const struct tls_file *file, bool ours,
                         struct ident *ident, struct err *err)
{
    for (size_t i = 0; i < ident->n; i++) {
        int n = 0;

        if (ident->lines[i].system_name[0] == '/')
            continue;
        if (!count(store, file, ident->lines[i].system_name, &n, err))
            return false;
        ident->lines[i].certs = n > 0 || ours ? n : IDENT_CERTS_UNKNOWN;
    }
    return true;
}

bool who_certs(struct store *store, struct conn *conn, struct simulate_who *who, struct err *err)
{
    struct settings settings;
    struct tls_file file;
    bool ours = false;
    bool done;

    if (!store)
        return true;
    if (!settings_read(conn, &settings, err))
        return false;
    done = tls_file_read(conn, settings.data_directory, settings_value(&settings, "ssl_ca_file"),
                         TLS_FILE_CA, &file, err);
    settings_clear(&settings);
    if (!done)
        return false;
    done = all_ours(store, &file, &ours, err);
    for (size_t i = 0; done && i < who->roles.n; i++) {
        int n = 0;

        if (!who->roles.rows[i].can_login)
            continue;
        done = count(store, &file, who->roles.rows[i].name, &n, err);
        who->certs[i] = n > 0 || ours ? n : SIMULATE_CERTS_UNKNOWN;
    }
    done = done && count_mapped(store, &file, ours, &who->ident, err) &&
           count_mapped(store, &file, ours, &who->ident_wanted, err);
    tls_file_clear(&file);
    return done;
}
