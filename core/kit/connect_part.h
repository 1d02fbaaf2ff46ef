/*
 * connect_part.h - inside core/kit only: a file for a kind of client, and what it is made from.
 */
#ifndef PGSEAL_KIT_CONNECT_PART_H
#define PGSEAL_KIT_CONNECT_PART_H

#include <sys/types.h>

#include "core/kit/connect.h"
#include "core/kit/readme.h"

/* One row that says who got in, and how: the same for all. */
#define CONNECT_PROOF                                                                              \
    "SELECT concat_ws(' ', 'in as', current_user, 'on', current_database(), version, client_dn) "  \
    "FROM pg_stat_ssl WHERE pid = pg_backend_pid()"

struct
    connect_names { /* of the files of key and certificates, also where they are to come; borrowed */
    const char *certificate, *key, *root, *p12, *pk8;
    bool use_p12;    /* by Java, in place of certificate and pk8 */
    bool key_locked; /* the key has a passphrase */
};
struct connect_one { /* a role that logs in to one server; borrowed */
    const struct kit_address *server;
    const char *section; /* "db1-alice": nothing that is special anywhere */
    const char *role, *database;
    const char *folder; /* where the client finds the files, absolute */
    const char *file;   /* the name of this one */
    const struct connect_names *names;
};
typedef bool connect_write(const struct connect_one *one, struct strbuf *out, struct err *err);

struct connect_file {
    enum kit_client client;
    const char *name; /* "connect.py": with several servers "connect-db1.py" */
    mode_t mode;
    bool together;     /* one file for all servers */
    bool names_folder; /* has the folder's path in it */
    /* begin, then write for each server, between where there is a next one, end; may be NULL */
    void (*begin)(const struct connect_one *one, struct strbuf *out);
    connect_write *write;
    const char *between, *end;
    const char *what; /* N_(): for the README */
    const char *use;  /* the command that tries it, before its name; NULL: none */
};
const struct connect_file *connect_files(size_t *ret_n);
/* "connect.py" or "connect-db1.py". Caller frees. */
char *connect_file_name(const struct connect_file *file, const struct kit_connect *connect,
                        size_t server) MUST_CHECK;

/* All files of a kit's clients, in order, given one by one; name and content are the taker's. */
typedef void connect_take(void *arg, char *name, mode_t mode, struct strbuf *content);
bool connect_make(const struct kit_connect *connect, const struct connect_one *shape,
                  connect_take *take, void *arg, struct err *err) MUST_CHECK;

/* A path of the client's: with a backslash where its folder is one of Windows. */
char *connect_path(const struct connect_one *one, const char *name) MUST_CHECK;
/* "[::1]" for an IPv6 address, else the host as it is. */
void connect_add_url_host(struct strbuf *out, const char *host);
/* "host=… port=… dbname=… user=…", quoted for libpq. */
bool connect_add_target(struct strbuf *out, const struct connect_one *one) MUST_CHECK;
/* The same with sslmode and the files' paths; extra: " gssencmode=disable" or "". */
bool connect_add_conninfo(struct strbuf *out, const struct connect_one *one,
                          const char *extra) MUST_CHECK;

connect_write connect_psql, connect_conninfo, connect_service;
void connect_service_begin(const struct connect_one *one, struct strbuf *out);
connect_write connect_jdbc, connect_dbeaver;
connect_write connect_python, connect_sqlalchemy, connect_django;
connect_write connect_node, connect_go, connect_dotnet, connect_ruby, connect_php;
connect_write connect_pgadmin, connect_pgadmin_steps;
void connect_pgadmin_begin(const struct connect_one *one, struct strbuf *out);

#endif
