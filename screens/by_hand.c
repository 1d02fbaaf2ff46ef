/* by_hand.c - the openssl lines that do by hand what a page does. */
#include "config.h"

#include "screens/by_hand.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/text.h"
#include "core/kit/kit.h"
#include "core/pki/profile.h"
#include "screens/app.h"

/* Appends a word for sh. What sh cannot hold (a NUL) cannot be in a C string. */
static void shell(struct strbuf *out, const char *text)
{
    if (!text_quote_shell(out, text))
        strbuf_add_str(out, "''");
}

/* "/CN=…" for -subj: a backslash before what openssl would take for structure. */
static void subject(struct strbuf *out, const char *cn)
{
    struct strbuf text = STRBUF_INIT;

    strbuf_add_str(&text, "/CN=");
    for (; *cn; cn++) {
        if (strchr("/+\\", *cn))
            strbuf_add_char(&text, '\\');
        strbuf_add_char(&text, *cn);
    }
    shell(out, text.data);
    strbuf_clear(&text);
}

/* The kit's name of a role's file, which needs no quotes in sh. */
static void kit_file(struct strbuf *out, const char *role, const char *ending)
{
    char *base = kit_file_base(role, ISSUED_CLIENT);

    strbuf_printf(out, "%s%s", base, ending);
    free(base);
}

/* The same among the files of a CA made by hand, which has ca.crt and ca.key. */
static void file(struct strbuf *out, const char *role, const char *ending)
{
    kit_file(out, strcmp(role, "ca") == 0 ? "ca-client" : role, ending);
}

static const char *algorithm(enum key_type type)
{
    switch (type) {
    case KEY_EC_P256:
        return "EC -pkeyopt ec_paramgen_curve:P-256";
    case KEY_EC_P384:
        return "EC -pkeyopt ec_paramgen_curve:P-384";
    case KEY_ED25519:
        return "ED25519";
    case KEY_RSA_2048:
        return "RSA -pkeyopt rsa_keygen_bits:2048";
    case KEY_RSA_3072:
        return "RSA -pkeyopt rsa_keygen_bits:3072";
    case KEY_RSA_4096:
        return "RSA -pkeyopt rsa_keygen_bits:4096";
    case KEY_OTHER:
        break;
    }
    return "EC -pkeyopt ec_paramgen_curve:P-256";
}

static void private_key(struct strbuf *out, enum key_type type, bool passphrase)
{
    strbuf_printf(out,
                  passphrase ? _("# 1. private key (%s), only for you; openssl asks for its "
                                 "passphrase\n")
                             : _("# 1. private key (%s), readable only by you\n"),
                  key_type_title(type));
    strbuf_printf(out, "umask 077\nopenssl genpkey -algorithm %s \\\n    %s-out ", algorithm(type),
                  passphrase ? "-aes256 " : "");
}

void by_hand_ca(struct strbuf *out, const char *name, enum key_type type, int days, bool passphrase)
{
    const struct profile_info *profile = profile_info(PROFILE_CA);

    private_key(out, type, passphrase);
    strbuf_add_str(out, "ca.key\n\n");
    strbuf_printf(out, _("# 2. its certificate, signed by itself: %d days, may sign others\n"),
                  days);
    strbuf_printf(out,
                  "printf '%%s\\n' '[req]' 'distinguished_name=dn' '[dn]' '[ca]' \\\n"
                  "    'basicConstraints=%s' \\\n"
                  "    'keyUsage=critical,%s' \\\n"
                  "    'subjectKeyIdentifier=hash' > ca.cnf\n",
                  profile->basic, profile->key_usage);
    strbuf_add_str(out, "openssl req -x509 -new -key ca.key -config ca.cnf -extensions ca \\\n"
                        "    -subj ");
    subject(out, name);
    strbuf_printf(out, " \\\n    -days %d -sha256 -out ca.crt\n\n", days);
    strbuf_add_str(out, _("# 3. its first list of revoked certificates: PostgreSQL wants one for "
                          "each CA\n"));
    strbuf_add_str(out, ": > index.txt\necho 01 > crlnumber\n"
                        "printf '%s\\n' '[ca]' 'default_ca=this' '[this]' 'database=index.txt' \\\n"
                        "    'crlnumber=crlnumber' 'default_md=sha256' 'crl_extensions=ext' \\\n"
                        "    '[ext]' 'authorityKeyIdentifier=keyid' > crl.cnf\n"
                        "openssl ca -gencrl -config crl.cnf -keyfile ca.key -cert ca.crt \\\n"
                        "    -crldays 365 -out ca.crl\n\n");
    strbuf_add_str(out, _("# look at it\n"));
    strbuf_add_str(out, "openssl x509 -in ca.crt -noout -subject -enddate -ext keyUsage\n\n");
    strbuf_add_str(out, _("# the same with pgseal\npgseal ca create "));
    shell(out, name);
    strbuf_printf(out, " --key %s --days %d%s\n", key_type_name(type), days,
                  passphrase ? "" : " --no-passphrase");
}

static void sign(struct strbuf *out, const struct by_hand_client *client)
{
    const struct profile_info *profile = profile_info(PROFILE_CLIENT);

    strbuf_printf(out, _("# 3. sign it: %d days, for clients only\n"), client->days);
    strbuf_printf(out,
                  "printf '%%s\\n' basicConstraints=%s \\\n"
                  "    keyUsage=critical,%s extendedKeyUsage=%s \\\n"
                  "    subjectKeyIdentifier=hash authorityKeyIdentifier=keyid > ",
                  profile->basic, profile->key_usage, profile->extended_usage);
    file(out, client->role, ".ext");
    strbuf_add_str(out, "\nopenssl x509 -req -in ");
    file(out, client->role, ".csr");
    strbuf_printf(out,
                  " -CA ca.crt -CAkey ca.key -CAcreateserial \\\n"
                  "    -days %d -sha256 -extfile ",
                  client->days);
    file(out, client->role, ".ext");
    strbuf_add_str(out, " -out ");
    file(out, client->role, ".crt");
    strbuf_add_str(out, "\n\n");
}

static void formats(struct strbuf *out, const struct by_hand_client *client)
{
    if (client->p12) {
        strbuf_add_str(out, _("# key, certificate and CA in one file; openssl asks for its "
                              "passphrase\n"));
        strbuf_add_str(out, "openssl pkcs12 -export -name user -certfile ca.crt -in ");
        file(out, client->role, ".crt");
        strbuf_add_str(out, " \\\n    -inkey ");
        file(out, client->role, ".key");
        strbuf_add_str(out, " -out ");
        file(out, client->role, ".p12");
        strbuf_add_str(out, "\n\n");
    }
    if (client->pk8) {
        strbuf_add_str(out, _("# the key for JDBC: DER, no passphrase\n"));
        strbuf_add_str(out, "openssl pkcs8 -topk8 -nocrypt -outform DER -in ");
        file(out, client->role, ".key");
        strbuf_add_str(out, " \\\n    -out ");
        file(out, client->role, ".pk8");
        strbuf_add_str(out, "\n\n");
    }
}

static void pgseal_line(struct strbuf *out, const struct by_hand_client *client)
{
    bool locked = client->passphrase && !client->csr;

    strbuf_add_str(out, _("# the same with pgseal"));
    if (locked)
        strbuf_add_str(out, _("; FILE: your own, 0600, with the key's passphrase"));
    strbuf_add_str(out, "\npgseal issue client ");
    shell(out, client->role);
    if (client->ca) {
        strbuf_add_str(out, " --ca ");
        shell(out, client->ca);
    }
    strbuf_printf(out, " --days %d", client->days);
    if (client->csr) {
        strbuf_add_str(out, " --csr ");
        file(out, client->role, ".csr");
    } else {
        strbuf_printf(out, " --key %s", key_type_name(client->type));
    }
    if (locked)
        strbuf_add_str(out, " \\\n    --key-passphrase-file FILE");
    if (client->p12 || client->pk8)
        strbuf_printf(out, " --format pem%s%s", client->p12 ? ",p12" : "",
                      client->pk8 ? ",pk8" : "");
    if (client->folder && client->folder[0]) {
        strbuf_add_str(out, " \\\n    --out ");
        shell(out, client->folder);
    }
    strbuf_add_char(out, '\n');
}

void by_hand_client(struct strbuf *out, const struct by_hand_client *client)
{
    if (client->csr) {
        strbuf_add_str(out, _("# 1. and 2. the request is there already: save it as\n#      "));
        file(out, client->role, ".csr");
        strbuf_add_str(out, "\n\n");
    } else {
        private_key(out, client->type, client->passphrase);
        file(out, client->role, ".key");
        strbuf_add_str(out, _("\n\n# 2. the request: the CN must be the role name\n"));
        strbuf_add_str(out, "openssl req -new -key ");
        file(out, client->role, ".key");
        strbuf_add_str(out, " -subj ");
        subject(out, client->role);
        strbuf_add_str(out, " \\\n    -out ");
        file(out, client->role, ".csr");
        strbuf_add_str(out, "\n\n");
    }
    sign(out, client);
    formats(out, client);
    strbuf_add_str(out, _("# would a server take it?\n"));
    strbuf_add_str(out, "openssl verify -purpose sslclient -CAfile ca.crt ");
    file(out, client->role, ".crt");
    strbuf_add_str(out, "\n\n");
    pgseal_line(out, client);
}

static void conninfo_value(struct strbuf *out, const char *keyword, const char *value)
{
    size_t before = out->len;

    strbuf_printf(out, "%s=", keyword);
    if (!text_quote_conninfo(out, value))
        strbuf_truncate(out, before);
    else
        strbuf_add_char(out, ' ');
}

void by_hand_admin(struct strbuf *out, const struct app *app)
{
    const char *conninfo = app_admin(app);

    strbuf_add_str(out, "psql");
    if (conninfo == NULL)
        return;
    strbuf_add_char(out, ' ');
    shell(out, conninfo);
}

void by_hand_psql(struct strbuf *out, const char *host, int port, const char *role)
{
    struct strbuf conninfo = STRBUF_INIT, name = STRBUF_INIT;

    conninfo_value(&conninfo, "host", host && host[0] ? host : "SERVER");
    if (port > 0 && port != 5432)
        strbuf_printf(&conninfo, "port=%d ", port);
    conninfo_value(&conninfo, "user", role);
    strbuf_add_str(&conninfo, "dbname=postgres sslmode=verify-full ");
    kit_file(&name, role, ".crt");
    conninfo_value(&conninfo, "sslcert", name.data);
    strbuf_reset(&name);
    kit_file(&name, role, ".key");
    conninfo_value(&conninfo, "sslkey", name.data);
    strbuf_add_str(&conninfo, "sslrootcert=root.crt");
    strbuf_add_str(out, "psql ");
    shell(out, conninfo.data);
    strbuf_clear(&name);
    strbuf_clear(&conninfo);
}
