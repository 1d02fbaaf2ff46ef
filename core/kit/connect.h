/*
 * connect.h - what a kit gives to a program that is to log in: lines and files that work as they are.
 *
 * Source   libpq 34.1, 34.17; pgjdbc, psycopg, SQLAlchemy, Django, node-postgres, lib/pq, pgx, Npgsql,
 *          pgAdmin, DBeaver, ruby-pg, PDO: their manuals. All verify the server (verify-full).
 * Shapes   each kind of client has one or two files, for each server one ("connect-db1.py" where there
 *          are several). Files of languages that know where they lie find the key beside them; the
 *          others name the folder (at). No file holds a secret: a key's passphrase is the program's
 *          to bring.
 * Names    role, database and hosts are clean text (ERR_BAD_NAME); each language has its quoter.
 */
#ifndef PGSEAL_KIT_CONNECT_H
#define PGSEAL_KIT_CONNECT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/attr.h"
#include "core/base/err.h"
#include "core/base/strbuf.h"

enum kit_client {
    KIT_FOR_PSQL, /* and everything that is made of libpq */
    KIT_FOR_JDBC,
    KIT_FOR_PYTHON, /* psycopg 3 and 2 */
    KIT_FOR_SQLALCHEMY,
    KIT_FOR_DJANGO,
    KIT_FOR_NODE,
    KIT_FOR_GO,
    KIT_FOR_DOTNET,
    KIT_FOR_PGADMIN,
    KIT_FOR_DBEAVER,
    KIT_FOR_RUBY,
    KIT_FOR_PHP,
    KIT_CLIENTS
};
#define KIT_FOR_ALL ((1u << KIT_CLIENTS) - 1)

const char *kit_client_name(enum kit_client client);  /* "dotnet": flags and JSON */
const char *kit_client_title(enum kit_client client); /* ".NET (Npgsql)": people */
/* "psql,node", or "all"; ERR_BAD_VALUE names the word. Added to *ret. */
bool kit_clients_parse(const char *text, unsigned *ret, struct err *err) MUST_CHECK;
/* Which files of the key they read beside the PEM (enum kit_format): Java reads PKCS#12 where the key
 * has a passphrase, else PKCS#8. */
unsigned kit_clients_formats(unsigned clients, bool key_locked);

struct kit_address {
    const char *name; /* of the server, as the files are called after it */
    const char *host;
    int port;
};
struct kit_connect {  /* all borrowed */
    unsigned clients; /* set of 1 << enum kit_client */
    const struct kit_address *servers;
    size_t n_servers; /* at least one */
    const char *role; /* that logs in; NULL: as in the certificate */
    const char *database;
    /* Where the folder will lie for the client, absolute ("C:\keys\alice" too); NULL: where it is. */
    const char *at;
};
/* ERR_BAD_NAME, ERR_BAD_VALUE (two servers whose files would have one name). */
bool kit_connect_check(const struct kit_connect *connect, struct err *err) MUST_CHECK;

#endif
