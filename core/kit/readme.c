/* readme.c - the text that goes with a key to the person who will use it. */
#include "config.h"

#include "core/kit/readme.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/kit/connect_part.h"
#include "core/kit/quote.h"

#define PORT_DEFAULT 5432

static void add_file(struct strbuf *out, const char *name, const char *mode, const char *what)
{
    if (name[0] != '\0')
        strbuf_printf(out, "  %-24s %s  %s\n", name, mode, what);
}

static void add_servers(const struct kit_connect *connect, struct strbuf *out)
{
    for (size_t i = 0; i < connect->n_servers; i++) {
        strbuf_add_str(out, i == 0 ? _("Server         ") : "               ");
        connect_add_url_host(out, connect->servers[i].host);
        strbuf_printf(out, ":%d\n", connect->servers[i].port);
    }
    strbuf_printf(out, _("Database       %s\n"), connect->database);
    if (connect->role != NULL)
        strbuf_printf(out, _("Role           %s\n"), connect->role);
}

static void add_head(const struct kit_spec *spec, struct strbuf *out)
{
    const struct issued *issued = spec->issued;
    char date[CLOCK_TEXT_MAX];
    char hex[SERIAL_HEX_MAX];

    if (issued->kind == ISSUED_SERVER)
        strbuf_printf(out, _("TLS certificate for the PostgreSQL server \"%s\"\n\n"), issued->role);
    else
        strbuf_printf(out, _("Client certificate for the PostgreSQL role \"%s\"\n\n"),
                      issued->role);
    strbuf_printf(out, _("Issued by      %s\n"), issued->authority);
    strbuf_printf(out, _("Serial number  %s\n"), serial_format_hex(hex, &issued->serial));
    strbuf_printf(out, _("Ends on        %s (UTC)\n"),
                  clock_format_minute(date, issued->not_after));
    if (spec->connect != NULL)
        add_servers(spec->connect, out);
    strbuf_add_char(out, '\n');
}

static void add_files(const struct kit_spec *spec, const struct readme_names *names,
                      struct strbuf *out)
{
    bool server = spec->issued->kind == ISSUED_SERVER;

    strbuf_add_str(out, _("Files\n"));
    add_file(out, names->certificate, "0644", _("the certificate; may be shown to anybody"));
    add_file(out, names->key, "0600",
             spec->key_passphrase != NULL ? _("the private key, SECRET; needs its passphrase")
                                          : _("the private key, SECRET"));
    add_file(out, names->root, "0644",
             server ? _("the CA; clients need it to check this server")
                    : _("the CAs of the servers: to check that a server is the right one"));
    add_file(out, names->p12, "0600",
             _("key and certificates in one, SECRET (PKCS#12, alias \"user\")"));
    add_file(out, names->pk8, "0600",
             _("the private key for Java, SECRET, without passphrase (PKCS#8 DER)"));
    strbuf_add_char(out, '\n');
}

static void add_care(const struct kit_spec *spec, const struct readme_names *names,
                     struct strbuf *out)
{
    if (names->key[0] == '\0' && names->p12[0] == '\0' && names->pk8[0] == '\0') {
        if (spec->connect != NULL)
            return; /* what is wanted stands below */
        strbuf_add_str(out, _("The private key stayed where the request was made.\n\n"));
        return;
    }
    strbuf_add_str(out, spec->issued->kind == ISSUED_SERVER
                            ? _("Whoever has the private key can pose as this server until the "
                                "certificate ends.\n")
                            : _("Whoever has the private key can log in with it until the "
                                "certificate ends or is\nrevoked. "));
    strbuf_add_str(out,
                   _("Do not send it by e-mail. After copying, only its owner may read it:\n"));
    strbuf_add_str(out, "  chmod 600");
    for (int i = 0; i < 3; i++) {
        const char *name = i == 0 ? names->key : i == 1 ? names->p12 : names->pk8;

        if (name[0] != '\0')
            strbuf_printf(out, " %s", name); /* kit file names need no quotes */
    }
    strbuf_add_str(out, "\n\n");
}

static bool add_pair(struct strbuf *conninfo, const char *keyword, const char *value)
{
    strbuf_printf(conninfo, "%s%s=", conninfo->len > 0 ? " " : "", keyword);
    return text_quote_conninfo(conninfo, value);
}

static bool conninfo_of(const struct kit_spec *spec, const struct readme_names *names,
                        struct strbuf *out)
{
    char port[16];

    (void)snprintf(port, sizeof(port), "%d",
                   spec->server_port > 0 ? spec->server_port : PORT_DEFAULT);
    return add_pair(out, "host", spec->server_host != NULL ? spec->server_host : "HOST") &&
           add_pair(out, "port", port) && add_pair(out, "dbname", "DATABASE") &&
           add_pair(out, "user", spec->issued->role) && add_pair(out, "sslmode", "verify-full") &&
           add_pair(out, "sslcert", names->certificate) &&
           add_pair(out, "sslkey", names->key[0] != '\0' ? names->key : "YOUR.key") &&
           add_pair(out, "sslrootcert", names->root);
}

static void add_jdbc(const struct kit_spec *spec, const struct readme_names *names,
                     struct strbuf *out)
{
    const char *key = names->p12[0] != '\0' ? names->p12 : names->pk8;
    int port = spec->server_port > 0 ? spec->server_port : PORT_DEFAULT;

    if (key[0] == '\0')
        return;
    strbuf_add_str(out, _("Java (JDBC), one line, with the folder's path in place of DIR:\n"));
    strbuf_printf(out, "  jdbc:postgresql://%s:%d/DATABASE?user=",
                  spec->server_host != NULL ? spec->server_host : "HOST", port);
    quote_url(out, spec->issued->role, false);
    strbuf_printf(out, "&sslmode=verify-full&sslrootcert=DIR/%s", names->root);
    if (names->p12[0] != '\0')
        strbuf_printf(out, "&sslkey=DIR/%s&sslpassword=PASSPHRASE\n\n", names->p12);
    else
        strbuf_printf(out, "&sslcert=DIR/%s&sslkey=DIR/%s\n\n", names->certificate, names->pk8);
}

static bool add_client(const struct kit_spec *spec, const struct readme_names *names,
                       struct strbuf *out, struct err *err)
{
    struct strbuf conninfo = STRBUF_INIT;
    bool ok = false;

    strbuf_add_str(out, _("To try it, in the folder of these files (DATABASE: the database's "
                          "name):\n"));
    if (!conninfo_of(spec, names, &conninfo))
        goto out;
    strbuf_add_str(out, "  psql ");
    if (!text_quote_shell(out, conninfo.data))
        goto out;
    strbuf_add_str(
        out, _("\n\nsslmode=verify-full makes the client check that the server is the "
               "right one.\nroot.crt holds our CAs of the servers: if somebody else's CA issued "
               "the\nserver's certificate, take that CA's file.\n\n"));
    strbuf_add_str(out, _("In pg_service.conf, as \"service=NAME\" (with whole paths for the "
                          "files):\n"));
    strbuf_printf(out,
                  "  [NAME]\n  host=%s\n  port=%d\n  dbname=DATABASE\n  user=%s\n"
                  "  sslmode=verify-full\n  sslcert=DIR/%s\n  sslkey=DIR/%s\n"
                  "  sslrootcert=DIR/%s\n\n",
                  spec->server_host != NULL ? spec->server_host : "HOST",
                  spec->server_port > 0 ? spec->server_port : PORT_DEFAULT, spec->issued->role,
                  names->certificate, names->key[0] != '\0' ? names->key : "YOUR.key", names->root);
    add_jdbc(spec, names, out);
    ok = true;
out:
    if (!ok)
        err_set(err, ERR_BAD_NAME, _("\"%s\" cannot be written into a connection string"),
                spec->issued->role);
    strbuf_clear(&conninfo);
    return ok;
}

/* ---- with files for programs ---- */

/* Who has the key is told what goes where; and how to see that the two belong together. */
static void add_key_wanted(const struct kit_spec *spec, const struct readme_names *names,
                           struct strbuf *out)
{
    unsigned formats = kit_clients_formats(spec->connect->clients, false);

    if (names->key[0] != '\0')
        return;
    strbuf_add_str(out, _("The private key is not in this folder: only its owner has it. Put it "
                          "here, as\n"));
    strbuf_printf(out, "  %-24s 0600  %s\n", names->planned_key,
                  _("PEM (-----BEGIN ... PRIVATE KEY-----)"));
    if ((formats & KIT_PK8) != 0) {
        strbuf_printf(out, "  %-24s 0600  %s\n", names->planned_pk8,
                      _("the same for Java, made from it by"));
        strbuf_printf(out,
                      "    (umask 077; openssl pkcs8 -topk8 -nocrypt -in %s \\\n"
                      "        -outform DER -out %s)\n",
                      names->planned_key, names->planned_pk8);
    }
    strbuf_printf(out, "  chmod 600 %s\n", names->planned_key);
    strbuf_add_str(out, _("Key and certificate belong together when both print the same:\n"));
    strbuf_printf(out, "  openssl pkey -in %s -pubout\n  openssl x509 -in %s -noout -pubkey\n\n",
                  names->planned_key, names->certificate);
}

static void add_programs(const struct kit_connect *connect, struct strbuf *out)
{
    size_t n;
    const struct connect_file *files = connect_files(&n);

    strbuf_add_str(out, _("For programs: each says in its head what it needs\n"));
    for (size_t i = 0; i < n; i++) {
        size_t times = files[i].together ? 1 : connect->n_servers;

        for (size_t k = 0; k < times && (connect->clients & 1u << files[i].client) != 0; k++) {
            char *name = connect_file_name(&files[i], connect, k);

            strbuf_printf(out, "  %-24s %s\n", name, gettext(files[i].what));
            free(name);
        }
    }
    strbuf_add_char(out, '\n');
}

static void add_tries(const struct kit_connect *connect, struct strbuf *out)
{
    size_t n;
    const struct connect_file *files = connect_files(&n);
    bool any = false;

    for (size_t i = 0; i < n; i++) {
        char *name;

        if ((connect->clients & 1u << files[i].client) == 0 || files[i].use == NULL)
            continue;
        if (!any)
            strbuf_add_str(out, _("To try it, in this folder; each logs in and says as whom:\n"));
        any = true;
        name = connect_file_name(&files[i], connect, 0);
        strbuf_printf(out, "  %s %s\n", files[i].use, name);
        free(name);
    }
    if (any)
        strbuf_add_char(out, '\n');
}

static void add_place(const struct kit_connect *connect, const char *folder, struct strbuf *out)
{
    size_t n;
    const struct connect_file *files = connect_files(&n);
    bool any = false;

    for (size_t i = 0; i < n; i++)
        any = any || ((connect->clients & 1u << files[i].client) != 0 && files[i].names_folder);
    if (!any)
        return;
    strbuf_add_str(out,
                   _("These have the path of this folder in them; if it lies elsewhere, change "
                     "it there:\n"));
    strbuf_printf(out, "  %s\n ", folder);
    for (size_t i = 0; i < n; i++) {
        size_t times = files[i].together ? 1 : connect->n_servers;

        for (size_t k = 0; k < times; k++) {
            char *name;

            if ((connect->clients & 1u << files[i].client) == 0 || !files[i].names_folder)
                continue;
            name = connect_file_name(&files[i], connect, k);
            strbuf_printf(out, " %s", name);
            free(name);
        }
    }
    strbuf_add_str(out, "\n\n");
}

static void add_connect(const struct kit_spec *spec, const struct readme_names *names,
                        struct strbuf *out)
{
    const struct kit_connect *connect = spec->connect;

    add_programs(connect, out);
    add_tries(connect, out);
    strbuf_add_str(out, _("All of them check that the server is the right one (verify-full): its "
                          "name must be\nthe host above, and its CA must be in root.crt. A kit "
                          "that does not get in is\nexplained by \"pgseal doctor\".\n\n"));
    add_place(connect, names->folder, out);
    if (spec->key_passphrase != NULL)
        strbuf_add_str(out,
                       _("The passphrase of the key is in no file of this folder: whoever gave "
                         "you the folder\ntells it to you in another way.\n"));
}

static void add_server(const struct readme_names *names, struct strbuf *out)
{
    const char *key = names->key[0] != '\0' ? names->key : "YOUR.key";

    strbuf_add_str(out, _("\"pgseal server tls NAME\" installs a server certificate by itself. By "
                          "hand: copy\nboth files into the server's data folder, owned by the "
                          "server's user, the key\nwith mode 0600; then, as superuser:\n"));
    strbuf_printf(out, "  ALTER SYSTEM SET ssl_cert_file = '%s';\n", names->certificate);
    strbuf_printf(out, "  ALTER SYSTEM SET ssl_key_file = '%s';\n", key);
    strbuf_add_str(out, "  ALTER SYSTEM SET ssl = on;\n  SELECT pg_reload_conf();\n\n");
    strbuf_add_str(out, _("A reload says \"t\" also when the server refused the files: \"pgseal "
                          "server probe\nHOST\" shows the certificate that it really uses.\n"));
}

bool readme_write(const struct kit_spec *spec, const struct readme_names *names, struct strbuf *out,
                  struct err *err)
{
    add_head(spec, out);
    add_files(spec, names, out);
    add_care(spec, names, out);
    if (spec->connect != NULL) {
        add_key_wanted(spec, names, out);
        add_connect(spec, names, out);
        return true;
    }
    if (spec->issued->kind == ISSUED_SERVER) {
        add_server(names, out);
        return true;
    }
    return add_client(spec, names, out, err);
}
