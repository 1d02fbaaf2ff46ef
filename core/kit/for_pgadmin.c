/* for_pgadmin.c - pgAdmin: a file to import, and the same by hand. It is made of libpq. */
#include "config.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/kit/connect_part.h"
#include "core/kit/quote.h"

void connect_pgadmin_begin(const struct connect_one *one, struct strbuf *out)
{
    (void)one;
    strbuf_add_str(out, "{\n  \"Servers\": {\n");
}

static void add_text(struct strbuf *out, const char *before, const char *value)
{
    strbuf_add_str(out, before);
    quote_double(out, value);
}

static void add_path(struct strbuf *out, const char *before, const struct connect_one *one,
                     const char *name)
{
    char *path = connect_path(one, name);

    add_text(out, before, path);
    free(path);
}

bool connect_pgadmin(const struct connect_one *one, struct strbuf *out, struct err *err)
{
    (void)err;
    add_text(out, "    ", one->section); /* a key: pgAdmin wants one, and gives its own */
    add_text(out, ": {\n      \"Name\": ", one->section);
    strbuf_add_str(out, ",\n      \"Group\": \"Servers\",\n");
    add_text(out, "      \"Host\": ", one->server->host);
    strbuf_printf(out, ",\n      \"Port\": %d,\n", one->server->port);
    add_text(out, "      \"MaintenanceDB\": ", one->database);
    add_text(out, ",\n      \"Username\": ", one->role);
    strbuf_add_str(out, ",\n      \"SSLMode\": \"verify-full\",\n      \"ConnectionParameters\": "
                        "{\n        \"sslmode\": \"verify-full\"");
    add_path(out, ",\n        \"sslcert\": ", one, one->names->certificate);
    add_path(out, ",\n        \"sslkey\": ", one, one->names->key);
    add_path(out, ",\n        \"sslrootcert\": ", one, one->names->root);
    strbuf_add_str(out, ",\n        \"connect_timeout\": 10\n      }\n    }");
    return true;
}

static void add_field(struct strbuf *out, const char *label, const struct connect_one *one,
                      const char *file)
{
    char *path = connect_path(one, file);

    strbuf_printf(out, "  %-24s %s\n", label, path);
    free(path);
}

bool connect_pgadmin_steps(const struct connect_one *one, struct strbuf *out, struct err *err)
{
    (void)err;
    strbuf_add_str(out, _("pgAdmin: Object > Register > Server; or import pgadmin.json (Tools >\n"
                          "Import/Export Servers)\n\n"));
    strbuf_add_str(out, _("General\n"));
    strbuf_printf(out, "  %-24s %s\n\n", "Name", one->section);
    strbuf_add_str(out, _("Connection\n"));
    strbuf_printf(out, "  %-24s %s\n", "Host name/address", one->server->host);
    strbuf_printf(out, "  %-24s %d\n", "Port", one->server->port);
    strbuf_printf(out, "  %-24s %s\n", "Maintenance database", one->database);
    strbuf_printf(out, "  %-24s %s\n", "Username", one->role);
    strbuf_printf(out, "  %-24s %s\n\n", "Password", _("(empty, where the server asks for none)"));
    strbuf_add_str(out, _("Parameters (older versions: SSL)\n"));
    strbuf_printf(out, "  %-24s %s\n", "SSL mode", "verify-full");
    add_field(out, "Client certificate", one, one->names->certificate);
    add_field(out, "Client certificate key", one, one->names->key);
    add_field(out, "Root certificate", one, one->names->root);
    strbuf_add_str(out, _("\nWhere pgAdmin runs as a web server, the files lie on that machine, in "
                          "the user's\nstorage folder, mode 0600. It reads no PKCS#12.\n"));
    if (one->names->key_locked)
        strbuf_add_str(out,
                       _("The key has a passphrase: it is the parameter \"sslpassword\", where "
                         "pgAdmin offers it.\n"));
    return true;
}
