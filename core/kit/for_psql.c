/* for_psql.c - psql, and whatever else is made of libpq. */
#include "config.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/text.h"
#include "core/kit/connect_part.h"
#include "core/kit/quote.h"

/* libpq would rather take Kerberos' encryption than TLS when there is a ticket. */
#define NO_GSS " gssencmode=disable"

bool connect_psql(const struct connect_one *one, struct strbuf *out, struct err *err)
{
    struct strbuf conninfo = STRBUF_INIT;
    bool good = connect_add_target(&conninfo, one);

    (void)err;
    strbuf_add_str(&conninfo, " sslmode=verify-full" NO_GSS);
    strbuf_add_str(out, "#!/bin/sh\n");
    strbuf_add_str(out, _("# psql with the files beside this one; what is given to it goes on to "
                          "psql:\n"));
    strbuf_printf(out, "#   sh %s -c \"SELECT current_user\"\n", one->file);
    if (one->names->key_locked)
        strbuf_add_str(out, _("# The key's passphrase is asked for on the terminal.\n"));
    strbuf_add_str(out, "here=$(cd -- \"$(dirname -- \"$0\")\" && pwd) || exit\n");
    strbuf_printf(out,
                  "export PGSSLCERT=\"$here/%s\" PGSSLKEY=\"$here/%s\" PGSSLROOTCERT=\"$here/%s\"\n"
                  "exec psql -d ",
                  one->names->certificate, one->names->key, one->names->root);
    good = good && text_quote_shell(out, conninfo.data);
    strbuf_add_str(out, " \"$@\"\n");
    strbuf_clear(&conninfo);
    return good;
}

static void add_uri(struct strbuf *out, const struct connect_one *one)
{
    const char *const keywords[] = {"sslcert", "sslkey", "sslrootcert"};
    const char *const names[] = {one->names->certificate, one->names->key, one->names->root};

    strbuf_add_str(out, "postgresql://");
    quote_url(out, one->role, false);
    strbuf_add_char(out, '@');
    connect_add_url_host(out, one->server->host);
    strbuf_printf(out, ":%d/", one->server->port);
    quote_url(out, one->database, false);
    strbuf_add_str(out, "?sslmode=verify-full");
    for (int i = 0; i < 3; i++) {
        char *path = connect_path(one, names[i]);

        strbuf_printf(out, "&%s=", keywords[i]);
        quote_url(out, path, true);
        free(path);
    }
    strbuf_add_str(out, "&gssencmode=disable\n");
}

bool connect_conninfo(const struct connect_one *one, struct strbuf *out, struct err *err)
{
    struct strbuf conninfo = STRBUF_INIT;
    bool good = connect_add_conninfo(&conninfo, one, NO_GSS);

    (void)err;
    strbuf_add_str(out, conninfo.data);
    strbuf_add_str(out, "\n\n");
    add_uri(out, one);
    strbuf_clear(&conninfo);
    return good;
}

void connect_service_begin(const struct connect_one *one, struct strbuf *out)
{
    char *path = connect_path(one, "pg_service.conf");

    strbuf_add_str(out, _("# Add these lines to ~/.pg_service.conf, or name this file:\n"));
    strbuf_add_str(out, "#   PGSERVICEFILE=");
    (void)!text_quote_shell(out, path);
    strbuf_printf(out, " psql service=%s\n\n", one->section);
    free(path);
}

static bool add_setting(struct strbuf *out, const char *keyword, const char *value)
{
    bool good;

    strbuf_printf(out, "%s=", keyword);
    good = quote_service(out, value);
    strbuf_add_char(out, '\n');
    return good;
}

static bool add_section(struct strbuf *out, const struct connect_one *one)
{
    const char *const keywords[] = {"sslcert", "sslkey", "sslrootcert"};
    const char *const names[] = {one->names->certificate, one->names->key, one->names->root};
    bool good;

    strbuf_printf(out, "[%s]\n", one->section);
    good = add_setting(out, "host", one->server->host);
    strbuf_printf(out, "port=%d\n", one->server->port);
    good = good && add_setting(out, "dbname", one->database) &&
           add_setting(out, "user", one->role) && add_setting(out, "sslmode", "verify-full") &&
           add_setting(out, "gssencmode", "disable");
    for (int i = 0; i < 3; i++) {
        char *path = connect_path(one, names[i]);

        good = good && add_setting(out, keywords[i], path);
        free(path);
    }
    return good;
}

bool connect_service(const struct connect_one *one, struct strbuf *out, struct err *err)
{
    size_t before = out->len;

    (void)err;
    if (!add_section(out, one)) { /* libpq drops the blank: it would be another name */
        strbuf_truncate(out, before);
        strbuf_add_str(out, _("# No lines here: a service file cannot say a name that ends in a "
                              "blank.\n"));
    }
    return true;
}
