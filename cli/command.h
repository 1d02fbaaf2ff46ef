/*
 * command.h - what the commands share: the open store, keys, servers, and how they end.
 *
 * Shapes   a command is bool run(struct cli *, struct err *): false with err set is a failure, whose
 *          exit code is cli->exit, or when that is 0 the one that fits err->code. True with
 *          cli->exit set is an end that is not an error, such as a check that found problems (6).
 *          Commands print through output.h and ask through ask.h only.
 */
#ifndef PGSEAL_CLI_COMMAND_H
#define PGSEAL_CLI_COMMAND_H

#include "cli/args.h"
#include "cli/output.h"
#include "core/base/secret.h"
#include "core/pg/conn.h"
#include "core/store/authority.h"
#include "core/store/server.h"

enum exit_code { /* design/cli.md; sysexits(3) for 69 */
                 EXIT_DONE = 0,
                 EXIT_FAILED = 1,     /* nothing changed */
                 EXIT_USAGE = 2,      /* wrong usage */
                 EXIT_SAID_NO = 3,    /* the person said no */
                 EXIT_TAKEN_BACK = 4, /* failed and taken back */
                 EXIT_LEFT = 5,       /* failed and not fully taken back */
                 EXIT_FOUND = 6,      /* a check found problems */
                 EXIT_TERMINAL = 69
};

struct cli {
    const struct args *args;
    struct output out;
    int exit;
    struct store *store;       /* NULL until cli_store() */
    struct secret *passphrase; /* of the CA's key, once it was read; one for the whole run */
};

void cli_clear(struct cli *cli);
int cli_exit_code(enum err_code code);

/* Opens the store in this mode, once; true when cli->store is open. */
bool cli_store(struct cli *cli, enum store_mode mode, struct err *err) MUST_CHECK;
/* Opens it for reading where there is one; true also when there is none (cli->store NULL). */
bool cli_store_if_any(struct cli *cli, struct err *err) MUST_CHECK;

/* --ca, or the only one. Caller frees. */
struct authority *cli_authority(struct cli *cli, struct err *err) MUST_CHECK;
/* The CA's private key; reads or asks the passphrase where it has one, at most three times. */
struct key *cli_unlock(struct cli *cli, const struct authority *authority,
                       struct err *err) MUST_CHECK;
/* --passphrase-file, --passphrase-fd. *ret NULL and true: neither was given. */
bool cli_given_passphrase(struct cli *cli, struct secret **ret, struct err *err) MUST_CHECK;
/* The passphrase in the file that this option names; *ret NULL and true: not given. */
bool cli_secret_file(struct cli *cli, enum option option, struct secret **ret,
                     struct err *err) MUST_CHECK;

/* A server of the store; conninfo and service names are taken too (then not in the store: id 0). */
struct server *cli_server(struct cli *cli, const char *name, struct err *err) MUST_CHECK;
/* Logs in as the administrator; asks for a password where libpq's own places had none. Checks that
 * it is still the same server. ret_password (may be NULL) gets what was typed, or NULL. */
struct conn *cli_connect(struct cli *cli, struct server *server, struct secret **ret_password,
                         struct err *err) MUST_CHECK;
/* Where clients reach it. Caller frees *ret_host. "" when there is only a socket. */
bool cli_tls_address(const struct server *server, char **ret_host, int *ret_port,
                     struct err *err) MUST_CHECK;
/* A superuser who cannot be sure to talk to the right server is told so. */
void cli_warn_unverified(const struct cli *cli, const struct server *server,
                         const struct conn *conn);
/* "db1", "db1:5433", "[::1]:5432" -> host and port; port stays when none is named. */
bool cli_parse_address(const char *text, char **ret_host, int *ret_port,
                       struct err *err) MUST_CHECK;

/* Where clients reach this: a name of the store (opened already, where there is one), or HOST[:PORT].
 * Caller frees *ret_host. */
bool cli_find_address(struct cli *cli, const char *what, char **ret_host, int *ret_port,
                      struct err *err) MUST_CHECK;

/* True when standard input and output are a terminal and a person may be asked. */
bool cli_on_terminal(const struct cli *cli);
/* The wizard; sets cli->exit. folder: the store's, need not exist; server: chosen at the start, or
 * NULL. */
bool cli_wizard(struct cli *cli, const char *folder, const char *server, bool sessions, bool demo,
                struct err *err) MUST_CHECK;

/* The live panel over these servers of the store (at least one); sets cli->exit. */
bool cli_panel(struct cli *cli, const char *folder, const char *const *servers, size_t n,
               struct err *err) MUST_CHECK;

/* ERR_USAGE when --read-only was given. */
bool cli_may_change_servers(struct cli *cli, struct err *err) MUST_CHECK;
/* A file of at most max bytes, or standard input for "-"; appended to out. */
bool cli_read_input(const char *path, size_t max, struct strbuf *out, struct err *err) MUST_CHECK;
/* Writes what an export made: to --out as a new file, else to standard output. With --json the
 * document (taken) is printed instead, with the new file's name or with the text as "pem". */
bool cli_write_export(struct cli *cli, const struct strbuf *bytes, json_t *document,
                      struct err *err) MUST_CHECK;

/* All of them, in the order of the help. */
const struct command *command_table(size_t *ret_n);

/* the commands; each stands in the file of its first word */
bool run_ca_create(struct cli *cli, struct err *err);
bool run_ca_list(struct cli *cli, struct err *err);
bool run_ca_show(struct cli *cli, struct err *err);
bool run_ca_export(struct cli *cli, struct err *err);
bool run_ca_renew(struct cli *cli, struct err *err);
bool run_ca_passphrase(struct cli *cli, struct err *err);
bool run_ca_delete(struct cli *cli, struct err *err);
bool run_ca_import(struct cli *cli, struct err *err);
bool run_issue_client(struct cli *cli, struct err *err);
bool run_issue_server(struct cli *cli, struct err *err);
bool run_issue_batch(struct cli *cli, struct err *err);
bool run_backup(struct cli *cli, struct err *err);
bool run_restore(struct cli *cli, struct err *err);
bool run_fsck(struct cli *cli, struct err *err);
bool run_log(struct cli *cli, struct err *err);
bool run_renew(struct cli *cli, struct err *err);
bool run_list(struct cli *cli, struct err *err);
bool run_show(struct cli *cli, struct err *err);
bool run_revoke(struct cli *cli, struct err *err);
bool run_crl_show(struct cli *cli, struct err *err);
bool run_crl_sign(struct cli *cli, struct err *err);
bool run_crl_presign(struct cli *cli, struct err *err);
bool run_crl_refresh(struct cli *cli, struct err *err);
bool run_crl_import(struct cli *cli, struct err *err);
bool run_crl_export(struct cli *cli, struct err *err);
bool run_kit(struct cli *cli, struct err *err);
bool run_trust(struct cli *cli, struct err *err);
bool run_server_add(struct cli *cli, struct err *err);
bool run_server_list(struct cli *cli, struct err *err);
bool run_server_show(struct cli *cli, struct err *err);
bool run_server_remove(struct cli *cli, struct err *err);
bool run_server_join(struct cli *cli, struct err *err);
bool run_server_leave(struct cli *cli, struct err *err);
bool run_server_probe(struct cli *cli, struct err *err);
bool run_server_check(struct cli *cli, struct err *err);
bool run_server_grants(struct cli *cli, struct err *err);
bool run_server_simulate(struct cli *cli, struct err *err);
bool run_server_tls(struct cli *cli, struct err *err);
bool run_server_trust(struct cli *cli, struct err *err);
bool run_server_untrust(struct cli *cli, struct err *err);
bool run_server_crl(struct cli *cli, struct err *err);
bool run_server_require(struct cli *cli, struct err *err);
bool run_server_unrequire(struct cli *cli, struct err *err);
bool run_server_undo(struct cli *cli, struct err *err);
bool run_plan_list(struct cli *cli, struct err *err);
bool run_plan_show(struct cli *cli, struct err *err);
bool run_plan_save(struct cli *cli, struct err *err);
bool run_plan_apply(struct cli *cli, struct err *err);
bool run_plan_keep(struct cli *cli, struct err *err);
bool run_plan_undo(struct cli *cli, struct err *err);
bool run_rotate_ca(struct cli *cli, struct err *err);
bool run_rotate_client(struct cli *cli, struct err *err);
bool run_rotate_server(struct cli *cli, struct err *err);
bool run_rotate_emergency(struct cli *cli, struct err *err);
bool run_rotate_status(struct cli *cli, struct err *err);
bool run_rotate_next(struct cli *cli, struct err *err);
bool run_rotate_back(struct cli *cli, struct err *err);
bool run_rotate_stragglers(struct cli *cli, struct err *err);
bool run_rotate_mark(struct cli *cli, struct err *err);
bool run_rotate_finish(struct cli *cli, struct err *err);
bool run_sessions(struct cli *cli, struct err *err);
bool run_sightings(struct cli *cli, struct err *err);
bool run_check(struct cli *cli, struct err *err);
bool run_doctor(struct cli *cli, struct err *err);
bool run_explain(struct cli *cli, struct err *err);
bool run_words(struct cli *cli, struct err *err);
bool run_completion(struct cli *cli, struct err *err);
bool run_demo(struct cli *cli, struct err *err);

#endif
