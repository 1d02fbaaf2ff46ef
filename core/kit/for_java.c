/* for_java.c - pgjdbc, and DBeaver, which is made of it. */
#include "config.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/kit/connect_part.h"
#include "core/kit/quote.h"

static void add_target(struct strbuf *out, const struct connect_one *one)
{
    strbuf_add_str(out, "jdbc:postgresql://");
    connect_add_url_host(out, one->server->host);
    strbuf_printf(out, ":%d/", one->server->port);
    quote_url(out, one->database, false);
}

static void add_option(struct strbuf *out, const char *name, const struct connect_one *one,
                       const char *file)
{
    char *path = connect_path(one, file);

    strbuf_printf(out, "&%s=", name);
    quote_url(out, path, true);
    free(path);
}

static void add_property(struct strbuf *out, const char *name, const struct connect_one *one,
                         const char *file)
{
    char *path = connect_path(one, file);

    strbuf_printf(out, "%s=", name);
    quote_properties(out, path);
    strbuf_add_char(out, '\n');
    free(path);
}

static const char *key_of(const struct connect_one *one)
{
    return one->names->use_p12 ? one->names->p12 : one->names->pk8;
}

/* ASCII throughout: Java reads such a file as ISO 8859-1. */
bool connect_jdbc(const struct connect_one *one, struct strbuf *out, struct err *err)
{
    const struct connect_names *names = one->names;

    (void)err;
    strbuf_add_str(out, "# One line, for a program that takes a URL:\n# ");
    add_target(out, one);
    strbuf_add_str(out, "?user=");
    quote_url(out, one->role, false);
    strbuf_add_str(out, "&sslmode=verify-full");
    if (!names->use_p12)
        add_option(out, "sslcert", one, names->certificate);
    add_option(out, "sslkey", one, key_of(one));
    add_option(out, "sslrootcert", one, names->root);
    strbuf_add_str(out, "&gssEncMode=disable\n#\n"
                        "# Or as java.util.Properties:\n"
                        "#   DriverManager.getConnection(p.getProperty(\"url\"), p)\n");
    if (names->use_p12)
        strbuf_add_str(out, "# The program brings the passphrase of the key, not this file:\n"
                            "#   p.setProperty(\"sslpassword\", ...)\n");
    strbuf_add_str(out, "url=");
    add_target(out, one);
    strbuf_add_str(out, "\nuser=");
    quote_properties(out, one->role);
    strbuf_add_str(out, "\nsslmode=verify-full\n");
    if (!names->use_p12)
        add_property(out, "sslcert", one, names->certificate);
    add_property(out, "sslkey", one, key_of(one));
    add_property(out, "sslrootcert", one, names->root);
    strbuf_add_str(out, "gssEncMode=disable\n");
    return true;
}

static void add_field(struct strbuf *out, const char *label, const struct connect_one *one,
                      const char *file)
{
    char *path = connect_path(one, file);

    strbuf_printf(out, "  %-20s %s\n", label, path);
    free(path);
}

bool connect_dbeaver(const struct connect_one *one, struct strbuf *out, struct err *err)
{
    const struct connect_names *names = one->names;

    (void)err;
    strbuf_add_str(out, _("DBeaver: Database > New Database Connection > PostgreSQL\n\n"));
    strbuf_add_str(out, _("Main\n"));
    strbuf_printf(out, "  %-20s %s\n", "Host", one->server->host);
    strbuf_printf(out, "  %-20s %d\n", "Port", one->server->port);
    strbuf_printf(out, "  %-20s %s\n", "Database", one->database);
    strbuf_printf(out, "  %-20s %s\n", "Username", one->role);
    strbuf_printf(out, "  %-20s %s\n\n", "Password", _("(empty, where the server asks for none)"));
    strbuf_add_str(out, _("SSL: tick \"Use SSL\", then\n"));
    add_field(out, "CA Certificate", one, names->root);
    if (!names->use_p12)
        add_field(out, "Client Certificate", one, names->certificate);
    add_field(out, "Client Private Key", one, key_of(one));
    strbuf_printf(out, "  %-20s %s\n", "SSL mode", "verify-full");
    if (names->use_p12)
        strbuf_add_str(out, _("\nDriver properties: sslpassword is the passphrase of the key.\n"));
    return true;
}
