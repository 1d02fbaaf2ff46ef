/*
 * plan.h - a change to a server: steps that can observe, apply and undo; journalled; proven.
 *
 * Shape    intent -> plan_…() (trust_ca.h, server_tls.h, …) reads the server and makes steps ->
 *          review -> plan_apply(): per step observe, journal "doing", apply, observe, journal "done"
 *          -> proof -> kept, or undone in reverse order.
 * Observe  answers BEFORE, AFTER or OTHER: that serves the check, the verification, the repeated run
 *          ("nothing to do") and the question what a killed run had done.
 * Undo     is built from the journal's typed fields, never from SQL text; plan_undo_journalled() does
 *          it for a plan of an earlier process.
 * Errors   plan_apply(): false with the cause; plan_state() then tells UNDONE (taken back: exit 4),
 *          LEFT (not fully: exit 5) or FAILED (nothing was changed: exit 1).
 * Threads  blocks for seconds: in a job, with a store and a connection of its own.
 */
#ifndef PGSEAL_PLAN_PLAN_H
#define PGSEAL_PLAN_PLAN_H

#include "core/pg/conn.h"
#include "core/store/journal.h"

struct plan;

/* What a plan works on; all borrowed and alive as long as the plan. */
struct plan_target {
    struct store *store;
    struct server *server;
    struct conn *admin;   /* stays open from before the first step until after the proof */
    const char *tls_host; /* where the proof's handshakes go */
    int tls_port;
    const struct secret *admin_password; /* for the second admin login, or NULL */
    bool by_hand; /* nothing will be applied: rights are not asked for, and what may not be read is
                   * left open; for plan_by_hand() */
};

enum plan_mark {
    PLAN_NEW = '+',
    PLAN_CHANGE = '~',
    PLAN_REMOVE = '-',
    PLAN_SAME = '=',
    PLAN_ACT = '!',
    PLAN_LOOK = '?'
};

struct plan_step_view { /* borrowed from the plan */
    int n;
    enum plan_mark mark;
    const char *title;  /* "ssl_ca_file: '' -> 'pgseal-ca-….crt'" */
    const char *effect; /* on people: "sessions stay open" */
    const char *sql;    /* what runs, as a person could run it; or "" */
    const char *file;   /* path, or "" */
    const char *
        lines; /* that go into pg_hba.conf or pg_ident.conf, or out of it, each with its newline; or "". Not
                         * cleaned: names of roles are in them */
    enum journal_step_state state;
    const char *saw; /* after apply: what was observed; "" before */
    int64_t took_ms;
};

enum plan_keep {                        /* what happens after the proof */
                 PLAN_KEEP_WHEN_PROVEN, /* --yes: proof and a new admin login succeeded */
                 PLAN_ASK /* plan_apply() returns in state DONE: the caller keeps or undoes */
};

struct plan_watch { /* reports from plan_apply(), on its thread; all may be NULL */
    void (*step)(void *arg, const struct plan_step_view *step);
    void (*saw)(void *arg,
                const char *line); /* the proof, a line each: "canary \"revoked\": alert 44" */
    bool (*stop)(void *arg);       /* true: stop after this step and take back */
    void *arg;
    int ask_seconds; /* PLAN_ASK: how long the question may stay open; 0: PLAN_ASK_SECONDS */
};

#define PLAN_ASK_SECONDS 120

void plan_free(struct plan *plan);
const char *plan_title(const struct plan *plan);
int64_t plan_id(const struct plan *plan); /* 0 before it was applied */
enum journal_plan_state plan_state(const struct plan *plan);
size_t plan_count(const struct plan *plan);
struct plan_step_view plan_step(const struct plan *plan, size_t i);
/* True when every step is PLAN_SAME or PLAN_LOOK. */
bool plan_nothing_to_do(const struct plan *plan);

/*
 * Who is connected now, or has a certificate, and could not come (back) once the plan is applied. plan_apply() goes on with
 * such a plan only when exactly this number was accepted before: ERR_WOULD_LOCK_OUT.
 */
struct plan_refused { /* borrowed from the plan; clean text */
    int pid;          /* 0: a role without a session, whose certificate would not do any more */
    const char *role, *database, *address;
    const char *why; /* without a full stop; may be "" */
};
size_t plan_count_refused(const struct plan *plan);
const struct plan_refused *plan_refused(const struct plan *plan, size_t i);
void plan_accept_refused(struct plan *plan, size_t n);
bool plan_check_refused(const struct plan *plan, struct err *err) MUST_CHECK;

bool plan_apply(struct plan *plan, enum plan_keep keep, const struct plan_watch *watch,
                struct err *err) MUST_CHECK;
/* Kept only after the guard of pg_hba.conf was ended for sure and the file is as planned; false: take
 * it back. ERR_PLAN_UNKNOWN when another process was faster; plan_state() is what that one made it. */
bool plan_keep(struct plan *plan, struct err *err) MUST_CHECK;
/* For a plan that another process has proven and asks about. */
bool plan_keep_journalled(const struct plan_target *target, int64_t plan_id,
                          struct err *err) MUST_CHECK;
/* While the question is open: plan_state() becomes what another process made of the plan. */
bool plan_refresh(struct plan *plan, struct err *err) MUST_CHECK;
/* clock_mono_ms() by which the caller must have kept or undone it; then the guard acts. 0: none. */
int64_t plan_deadline_ms(const struct plan *plan);
bool plan_undo(struct plan *plan, const struct plan_watch *watch, struct err *err) MUST_CHECK;
/* For a plan of an earlier run: *ret_state is UNDONE or LEFT. */
bool plan_undo_journalled(const struct plan_target *target, int64_t plan_id,
                          const struct plan_watch *watch, enum journal_plan_state *ret_state,
                          struct err *err) MUST_CHECK;

/* What pg_hba.conf would hold after this plan, for simulate.h; NULL: it does not touch it. Borrowed. */
const struct strbuf *plan_wanted_hba(const struct plan *plan);

/* The same of pg_ident.conf. */
const struct strbuf *plan_wanted_ident(const struct plan *plan);

/* The script of the change for people: openssl and SQL lines with comments. */
void plan_script(const struct plan *plan, struct strbuf *out);

/*
 * No other pgseal changes this server meanwhile: an advisory lock on the admin connection. For whoever
 * looks and then builds a plan; plan_apply() takes it by itself. It ends with the connection, however
 * that ends. Waits up to 30 s for each session that holds it, then ERR_UNFINISHED; says so (saw), and
 * obeys stop(). A role that can change no setting and holds the lock
 * is no pgseal: it is not waited for.
 */
bool plan_lock_server(struct conn *admin, const struct plan_watch *watch,
                      struct err *err) MUST_CHECK;
void plan_unlock_server(struct conn *admin);

/*
 * Text to paste: what a person does by hand, in order, where pgseal may do nothing (no files, no rights,
 * a managed service): whole files, commands and SQL, and what to look at afterwards. No private key
 * is in it. Of a plan that was made with target.by_hand.
 */
void plan_by_hand(const struct plan *plan, struct strbuf *out);

/* ---- intents; each reads the server and returns a plan, or NULL with the reason ---- */

struct server_tls_intent {
    const struct authority *authority;
    const struct key *authority_key; /* NULL: the plan can be shown, not applied */
    const char *const *hosts;
    size_t n_hosts;
    int days;
    const struct cert
        *replace; /* made anew while the server shows this one, good or not; or NULL */
};
struct plan *plan_server_tls(const struct plan_target *target,
                             const struct server_tls_intent *intent, struct err *err) MUST_CHECK;

/* For another CA: the server's key is made and waits in its data directory (by the local file system
 * only), the request for its certificate is appended to ret_csr as PEM. */
struct server_request_intent {
    const char *const *hosts;
    size_t n_hosts;
    enum key_type key_type;
};
struct plan *plan_server_request(const struct plan_target *target,
                                 const struct server_request_intent *intent, struct strbuf *ret_csr,
                                 struct err *err) MUST_CHECK;

/* A certificate that exists: the answer to such a request, one for the key that the server has, or a
 * pair. Refused: another key's, ended, not for these hosts or for servers, weak, a chain with a gap,
 * an encrypted key that the server could not reload. */
struct server_cert_intent {
    const struct cert_list *certs;   /* in any order: its own, and those above it */
    const struct secret *key_pem;    /* or NULL: the server has the key */
    const struct secret *passphrase; /* of the key, or NULL */
    const char *const *hosts;        /* what clients call it; none: the TLS address */
    size_t n_hosts;
    const struct cert_list *roots; /* what clients trust: the chain must lead there; or NULL */
};
struct plan *plan_server_cert(const struct plan_target *target,
                              const struct server_cert_intent *intent, struct err *err) MUST_CHECK;

/* A pair that the server had before, whose files are there still: its settings name them again. */
struct server_again_intent {
    const char *cert_file,
        *key_file; /* as ssl_cert_file and ssl_key_file were; both NULL: it shows this
                                       * chain already, nothing is to be done */
    const struct cert_list *chain; /* that it sent then, its own first */
};
struct plan *plan_server_again(const struct plan_target *target,
                               const struct server_again_intent *intent,
                               struct err *err) MUST_CHECK;

struct trust_ca_intent {
    const struct authority *const *authorities; /* all CAs of ours that the server shall trust */
    size_t n_authorities;
    const struct cert_list *foreign; /* pasted ones, or NULL */
    struct crl *const *foreign_crls; /* one for each foreign CA, or none while no CRL is set */
    size_t n_foreign_crls;
    bool keep_present; /* CAs (and their CRLs) that the server trusts now stay beside these; not a
                        * former certificate of one of these: same name, same key */
    const struct cert_list
        *gone;        /* nor these; for a look ahead, such a plan is not saved; or NULL */
    bool knows_roles; /* as below */
};
struct plan *plan_trust_ca(const struct plan_target *target, const struct trust_ca_intent *intent,
                           struct err *err) MUST_CHECK;

/*
 * Trust taken away: from these of ours (also by a former certificate), from those of these names (common name or whole subject), or
 * from all: then the server asks for no certificate any more, which is refused while a rule wants
 * one. Sessions that came with such a certificate are counted as refused, and roles of the server for
 * whom the store has certificates of such a CA alone. pgseal's own connection by one: ERR_WOULD_LOCK_OUT
 * while another CA stays. The CA goes before its CRL.
 */
struct untrust_ca_intent {
    const struct authority *const *authorities;
    size_t n_authorities;
    const char *const *names;
    size_t n_names;
    const struct cert_list *certs; /* these too, where the server trusts them; or NULL */
    bool all;
    /* Those above an intermediate that goes go with it: a root that stays lets anybody in whose chain
     * leads there, its clients too where lists are not checked. Not where a CA that stays is below it,
     * where it is ours, where it was seen to have clients of its own, or where a CA that is not in the
     * file has clients (a list of it is there, or they were seen): they send a chain to some root. */
    bool with_parents;
    bool
        knows_roles; /* the caller has counted the roles itself (a rotation's list of who has not moved) */
};
struct plan *plan_untrust_ca(const struct plan_target *target,
                             const struct untrust_ca_intent *intent, struct err *err) MUST_CHECK;

/* Before another's CA goes from this server: the list of it that is there, and of those above it, is put
 * into the store (foreign.h), unless the store has a newer one. Else there would be no way back: a server that checks lists trusts no
 * CA without one. */
bool plan_keep_list(const struct plan_target *target, const struct cert *ca,
                    struct err *err) MUST_CHECK;

/* Publishes the current CRLs of all CAs of ours that the server trusts; others' lists stay. */
struct plan *plan_publish_crl(const struct plan_target *target, struct err *err) MUST_CHECK;
/* The same; the proof asks about these certificates too: each must get alert 44. Those of CAs that the
 * server does not trust are left out. */
struct plan *plan_publish_revoked(const struct plan_target *target, const struct cert_list *revoked,
                                  struct err *err) MUST_CHECK;

enum access_method { ACCESS_CERT, ACCESS_VERIFY_FULL, ACCESS_VERIFY_CA };
struct access_rules_intent {
    const char *database; /* "all" */
    const char *const *roles;
    size_t n_roles;
    const char *address; /* CIDR, or "all" */
    enum access_method method;
    const char *map; /* of pg_ident.conf, or NULL; ACCESS_CERT only */
    /* Lines for it that pg_ident.conf shall have: a certificate with this CN may be this role. */
    const struct access_map_line {
        const char *cn, *role;
    } * map_lines;
    size_t n_map_lines;
    /* Proof: a login with this certificate must get in as roles[i], without it must not. May be NULL. */
    const struct access_rules_probe {
        const char *role;
        const char *database;
        const char *cert_file, *key_file, *root_file;
        const struct secret *password; /* for the methods that want one beside; or NULL */
    } * probes;
    size_t n_probes;
};
struct plan *plan_access_rules(const struct plan_target *target,
                               const struct access_rules_intent *intent,
                               struct err *err) MUST_CHECK;

/* Takes rules of ours (marked in their comment) away again: these lines, or all, and the lines of ours
 * in pg_ident.conf that no rule needs then. Everything else in the files stays byte for byte. A line
 * that is not ours: ERR_BAD_VALUE. */
struct remove_rules_intent {
    const int *lines; /* their numbers in pg_hba.conf; none: all of ours */
    size_t n_lines;
    /* Instead of numbers, which are one file's at one time: lines of ours with exactly this text, without
     * their newline. One that is not there is gone already. */
    const char *const *texts;
    size_t n_texts;
};
struct plan *plan_remove_rules(const struct plan_target *target,
                               const struct remove_rules_intent *intent,
                               struct err *err) MUST_CHECK;

#endif
