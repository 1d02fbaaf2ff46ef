/* connect.c - the kinds of clients, their files, and what several of them share. */
#include "config.h"

#include "core/kit/connect_part.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

static const struct {
    const char *name, *title;
} clients[KIT_CLIENTS] = {
    [KIT_FOR_PSQL] = {"psql", "psql, libpq"},
    [KIT_FOR_JDBC] = {"jdbc", "Java (JDBC)"},
    [KIT_FOR_PYTHON] = {"python", "Python (psycopg)"},
    [KIT_FOR_SQLALCHEMY] = {"sqlalchemy", "SQLAlchemy"},
    [KIT_FOR_DJANGO] = {"django", "Django"},
    [KIT_FOR_NODE] = {"node", "Node (pg)"},
    [KIT_FOR_GO] = {"go", "Go (lib/pq, pgx)"},
    [KIT_FOR_DOTNET] = {"dotnet", ".NET (Npgsql)"},
    [KIT_FOR_PGADMIN] = {"pgadmin", "pgAdmin"},
    [KIT_FOR_DBEAVER] = {"dbeaver", "DBeaver"},
    [KIT_FOR_RUBY] = {"ruby", "Ruby (pg)"},
    [KIT_FOR_PHP] = {"php", "PHP (PDO)"},
};

static const struct connect_file files[] = {
    {KIT_FOR_PSQL, "psql.sh", 0755, false, false, NULL, connect_psql, NULL, NULL,
     N_("psql; options go behind it"), "sh"},
    {KIT_FOR_PSQL, "conninfo.txt", 0644, false, true, NULL, connect_conninfo, NULL, NULL,
     N_("connection string and URI, for whatever is made of libpq"), NULL},
    {KIT_FOR_PSQL, "pg_service.conf", 0644, true, true, connect_service_begin, connect_service,
     "\n", NULL, N_("lines for ~/.pg_service.conf"), NULL},
    {KIT_FOR_JDBC, "jdbc.properties", 0644, false, true, NULL, connect_jdbc, NULL, NULL,
     N_("URL and properties for Java (pgjdbc)"), NULL},
    {KIT_FOR_PYTHON, "connect.py", 0644, false, false, NULL, connect_python, NULL, NULL,
     N_("Python: psycopg 3, or psycopg2"), "python3"},
    {KIT_FOR_SQLALCHEMY, "connect_sqlalchemy.py", 0644, false, false, NULL, connect_sqlalchemy,
     NULL, NULL, N_("Python: SQLAlchemy"), "python3"},
    {KIT_FOR_DJANGO, "django_database.py", 0644, false, false, NULL, connect_django, NULL, NULL,
     N_("Python: DATABASES for Django's settings"), NULL},
    {KIT_FOR_NODE, "connect.cjs", 0644, false, false, NULL, connect_node, NULL, NULL,
     N_("Node: pg (node-postgres)"), "node"},
    {KIT_FOR_GO, "connect.go", 0644, false, true, NULL, connect_go, NULL, NULL,
     N_("Go: lib/pq, or pgx"), "go run"},
    {KIT_FOR_DOTNET, "connect.cs", 0644, false, true, NULL, connect_dotnet, NULL, NULL,
     N_(".NET: Npgsql 6 or newer"), NULL},
    {KIT_FOR_PGADMIN, "pgadmin.json", 0644, true, true, connect_pgadmin_begin, connect_pgadmin,
     ",\n", "\n  }\n}\n", N_("for pgAdmin: Tools > Import/Export Servers"), NULL},
    {KIT_FOR_PGADMIN, "pgadmin.txt", 0644, false, true, NULL, connect_pgadmin_steps, NULL, NULL,
     N_("pgAdmin by hand, field by field"), NULL},
    {KIT_FOR_DBEAVER, "dbeaver.txt", 0644, false, true, NULL, connect_dbeaver, NULL, NULL,
     N_("DBeaver, field by field"), NULL},
    {KIT_FOR_RUBY, "connect.rb", 0644, false, false, NULL, connect_ruby, NULL, NULL, N_("Ruby: pg"),
     "ruby"},
    {KIT_FOR_PHP, "connect.php", 0644, false, false, NULL, connect_php, NULL, NULL, N_("PHP: PDO"),
     "php"},
};

const struct connect_file *connect_files(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(files);
    return files;
}

const char *kit_client_name(enum kit_client client)
{
    return clients[client].name;
}

const char *kit_client_title(enum kit_client client)
{
    return clients[client].title;
}

static bool parse_one(const char *word, size_t len, unsigned *ret)
{
    if (len == 3 && strncmp(word, "all", len) == 0) {
        *ret |= KIT_FOR_ALL;
        return true;
    }
    for (unsigned i = 0; i < KIT_CLIENTS; i++) {
        if (strlen(clients[i].name) == len && strncmp(clients[i].name, word, len) == 0) {
            *ret |= 1u << i;
            return true;
        }
    }
    return false;
}

bool kit_clients_parse(const char *text, unsigned *ret, struct err *err)
{
    unsigned set = *ret;
    struct strbuf known = STRBUF_INIT;

    for (const char *at = text;;) {
        size_t len = strcspn(at, ",");

        if (!parse_one(at, len, &set)) {
            for (int i = 0; i < KIT_CLIENTS; i++)
                strbuf_printf(&known, "%s%s", i > 0 ? ", " : "", clients[i].name);
            err_set(err, ERR_BAD_VALUE, _("there is no kind of client \"%.*s\""),
                    (int)(len < 40 ? len : 40), at);
            err_hint(err, _("One or more of %s, with commas between them; or all."), known.data);
            strbuf_clear(&known);
            return false;
        }
        if (at[len] == '\0')
            break;
        at += len + 1;
    }
    *ret = set;
    return true;
}

unsigned kit_clients_formats(unsigned set, bool key_locked)
{
    const unsigned java = 1u << KIT_FOR_JDBC | 1u << KIT_FOR_DBEAVER;

    if ((set & java) == 0)
        return KIT_PEM;
    return KIT_PEM | (key_locked ? KIT_P12 : KIT_PK8);
}

/* ---- names ---- */

static bool check_text(const char *what, const char *text, struct err *err)
{
    if (text != NULL && text[0] != '\0' && text_is_clean(text))
        return true;
    err_set(err, ERR_BAD_NAME, _("the name of the %s has characters that cannot be written"), what);
    return err_hint(err, _("A line end, a control character, or bytes that are not UTF-8: no line "
                           "for a program may have them."));
}

bool kit_connect_check(const struct kit_connect *connect, struct err *err)
{
    if (!check_text(_("database"), connect->database, err) ||
        (connect->role != NULL && !check_text(_("role"), connect->role, err)) ||
        (connect->at != NULL && !check_text(_("folder"), connect->at, err)))
        return false;
    for (size_t i = 0; i < connect->n_servers; i++) {
        char *name = kit_file_base(connect->servers[i].name, ISSUED_CLIENT);
        bool twice = false;

        for (size_t k = 0; k < i && !twice; k++) {
            char *other = kit_file_base(connect->servers[k].name, ISSUED_CLIENT);

            twice = strcmp(name, other) == 0;
            free(other);
        }
        free(name);
        if (twice)
            return err_set(err, ERR_BAD_VALUE, _("the server \"%s\" is named twice"),
                           connect->servers[i].name);
        if (!check_text(_("server's host"), connect->servers[i].host, err))
            return false;
    }
    return true;
}

char *connect_file_name(const struct connect_file *file, const struct kit_connect *connect,
                        size_t server)
{
    const char *dot = strrchr(file->name, '.');
    char *base, *name;

    if (file->together || connect->n_servers < 2)
        return mem_strdup(file->name);
    base = kit_file_base(connect->servers[server].name, ISSUED_CLIENT);
    name = mem_printf("%.*s-%s%s", (int)(dot - file->name), file->name, base, dot);
    free(base);
    return name;
}

/* ---- the files ---- */

static bool make_file(const struct connect_file *file, const struct kit_connect *connect,
                      const struct connect_one *shape, size_t server, struct strbuf *out,
                      struct err *err)
{
    size_t end = file->together ? connect->n_servers : server + 1;
    char *name = connect_file_name(file, connect, server);
    bool good = true;

    for (size_t i = server; good && i < end; i++) {
        char *host = kit_file_base(connect->servers[i].name, ISSUED_CLIENT);
        char *base = kit_file_base(shape->role, ISSUED_CLIENT);
        char *section = mem_printf("%s-%s", host, base);
        struct connect_one one = *shape;

        one.server = &connect->servers[i];
        one.section = section;
        one.file = name;
        if (i == server && file->begin != NULL)
            file->begin(&one, out);
        if (i > server && file->between != NULL)
            strbuf_add_str(out, file->between);
        good = file->write(&one, out, err);
        free(section);
        free(base);
        free(host);
    }
    if (good && file->end != NULL)
        strbuf_add_str(out, file->end);
    free(name);
    return good;
}

bool connect_make(const struct kit_connect *connect, const struct connect_one *shape,
                  connect_take *take, void *arg, struct err *err)
{
    bool good = true;

    for (size_t i = 0; good && i < ARRAY_LEN(files); i++) {
        size_t times = files[i].together ? 1 : connect->n_servers;

        if ((connect->clients & 1u << files[i].client) == 0)
            continue;
        for (size_t k = 0; good && k < times; k++) {
            struct strbuf content = STRBUF_INIT;

            good = make_file(&files[i], connect, shape, k, &content, err);
            if (good)
                take(arg, connect_file_name(&files[i], connect, k), files[i].mode, &content);
            strbuf_clear(&content);
        }
    }
    return good;
}

/* ---- shared pieces ---- */

char *connect_path(const struct connect_one *one, const char *name)
{
    const char *folder = one->folder;
    bool windows = folder[0] == '\\' || (folder[0] != '\0' && folder[1] == ':');
    size_t len = strlen(folder);
    bool ends = len > 0 && (folder[len - 1] == '/' || (windows && folder[len - 1] == '\\'));

    return mem_printf("%s%s%s", folder, ends ? "" : windows ? "\\" : "/", name);
}

void connect_add_url_host(struct strbuf *out, const char *host)
{
    strbuf_printf(out, strchr(host, ':') != NULL ? "[%s]" : "%s", host);
}

static bool add_pair(struct strbuf *out, const char *keyword, const char *value)
{
    strbuf_printf(out, "%s%s=", out->len > 0 ? " " : "", keyword);
    return text_quote_conninfo(out, value);
}

bool connect_add_target(struct strbuf *out, const struct connect_one *one)
{
    char *port = mem_printf("%d", one->server->port);
    bool good = add_pair(out, "host", one->server->host) && add_pair(out, "port", port) &&
                add_pair(out, "dbname", one->database) && add_pair(out, "user", one->role);

    free(port);
    return good;
}

bool connect_add_conninfo(struct strbuf *out, const struct connect_one *one, const char *extra)
{
    char *cert = connect_path(one, one->names->certificate);
    char *key = connect_path(one, one->names->key);
    char *root = connect_path(one, one->names->root);
    bool good = connect_add_target(out, one) && add_pair(out, "sslmode", "verify-full") &&
                add_pair(out, "sslcert", cert) && add_pair(out, "sslkey", key) &&
                add_pair(out, "sslrootcert", root);

    strbuf_add_str(out, extra);
    free(cert);
    free(key);
    free(root);
    return good;
}
