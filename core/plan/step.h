/*
 * step.h - the inside of a plan: its steps, and the table of what a step can be.
 *
 * Shape    a step kind is a row of three functions. observe answers before, after or other; apply
 *          makes it so; undo takes it back. Looks (proofs) have apply only.
 * Data     what observe and undo need stands in step->data as typed JSON fields: it goes through the
 *          journal, so that another process can undo. It holds no secrets and no SQL. What only apply
 *          needs (a file's bytes, a private key) stays in memory.
 * Use      core/plan only.
 */
#ifndef PGSEAL_PLAN_STEP_H
#define PGSEAL_PLAN_STEP_H

#include <jansson.h>

#include "core/pg/files.h"
#include "core/pg/handshake.h"
#include "core/pg/hba.h"
#include "core/pg/settings.h"
#include "core/plan/plan.h"
#include "core/plan/proof.h"

enum observed {
    OBSERVED_BEFORE,
    OBSERVED_AFTER,
    OBSERVED_OTHER /* somebody else's work */
};

struct step;

/* What steps run on. */
struct step_run {
    struct plan *plan;
    const struct plan_target *target; /* its admin connection works */
    struct files *files;              /* bound to that connection */
    const struct plan_watch *watch;   /* or NULL */
};

struct step_kind {
    const char *name; /* in the journal: a name that was ever shipped keeps its meaning */
    bool (*observe)(struct step_run *run, struct step *step, enum observed *ret, struct err *err);
    bool (*apply)(struct step_run *run, struct step *step, struct err *err);
    bool (*undo)(struct step_run *run, struct step *step, struct err *err);
    /* What is neither before nor after is our own half: the disk was full, or the server died while it
     * wrote. May be NULL: never. */
    bool (*is_torn)(struct step_run *run, const struct step *step);
    bool undo_late; /* after settings and rules are back, reloaded and proven: files */
};

struct step {
    const char *kind; /* a row's name; not owned */
    enum plan_mark mark;
    char *title;  /* owned, as all below; never NULL */
    char *effect; /* on people */
    char *sql;
    char *file;
    char *saw;
    char *by_hand; /* rules and maps: rules_diff(); or NULL */
    json_t *data;
    enum journal_step_state state;
    int64_t took_ms;

    struct strbuf bytes;                    /* a file's new content */
    struct secret *secret;                  /* a private key's PEM */
    struct cert_list certs;                 /* what a proof compares with */
    const struct access_rules_probe *probe; /* borrowed from plan->probes */
};

struct plan {
    struct plan_target target;
    int64_t id;
    enum journal_plan_state state;
    char *title;
    json_t *intent; /* "kind", "baseline", "trust": see plan_new() */
    struct step *steps;
    size_t n;

    struct settings settings; /* as read when the plan was made */
    struct files *files;      /* on target.admin */
    struct handshake before;  /* what the wire showed then */
    bool has_before;
    struct cert *leaf;           /* server_tls: issued while it was applied */
    struct authority *authority; /* server_tls: the issuer */
    struct key *authority_key;
    char **hosts; /* server_tls */
    size_t n_hosts;
    int days;
    struct access_rules_probe *probes; /* access_rules: deep copies */
    size_t n_probes;

    struct guard *guard;    /* our end of it while it waits, or NULL */
    int guard_seconds;      /* how long it waits; 0: plan_apply() sets it */
    int64_t guard_fires_ms; /* clock_mono_ms(); 0: none is armed */
    int64_t deadline_ms;    /* of the question; 0: none is open */

    bool cas_unread, rules_unread, maps_unread; /* by_hand: files that the role may not read */
    bool cas_stay;    /* by_hand: those in a file that may not be read stay beside the new ones */
    bool knows_roles; /* who has no session and would be lost was counted by the caller */

    struct plan_refused *refused; /* who could not come back; owned */
    size_t n_refused;
    size_t accept_refused;
    bool locked; /* plan_lock() */
};

/* ---- the table (steps.c): only what runs a plan needs it, not what makes one ---- */

const struct step_kind *step_kind_find(const char *name); /* NULL: not known */
const struct step_kind *step_kind(const struct step *step);

/* Rows that live in files of their own. */
bool step_server_cert_apply(struct step_run *run, struct step *step, struct err *err);
bool step_server_cert_undo(struct step_run *run, struct step *step, struct err *err);
bool step_file_observe(struct step_run *run, struct step *step, enum observed *ret,
                       struct err *err);
bool step_file_apply(struct step_run *run, struct step *step, struct err *err);
bool step_file_is_torn(struct step_run *run, const struct step *step);
bool step_file_undo(struct step_run *run, struct step *step, struct err *err);
bool step_prove_server_cert(struct step_run *run, struct step *step, struct err *err);
bool step_prove_shown_cert(struct step_run *run, struct step *step, struct err *err);
bool step_prove_same_chain(struct step_run *run, struct step *step, struct err *err);
bool step_prove_loaded(struct step_run *run, struct step *step, struct err *err);
bool step_prove_cas(struct step_run *run, struct step *step, struct err *err);
bool step_prove_canaries(struct step_run *run, struct step *step, struct err *err);
bool step_prove_revoked(struct step_run *run, struct step *step, struct err *err);
bool step_prove_login(struct step_run *run, struct step *step, struct err *err);
bool step_prove_admin(struct step_run *run, struct step *step, struct err *err);
bool step_hba_observe(struct step_run *run, struct step *step, enum observed *ret, struct err *err);
bool step_hba_apply(struct step_run *run, struct step *step, struct err *err);
bool step_hba_undo(struct step_run *run, struct step *step, struct err *err);
bool step_hba_is_torn(struct step_run *run, const struct step *step);
bool step_guard_apply(struct step_run *run, struct step *step, struct err *err);

/* ---- making a plan (plan_new.c, plan_add.c; what they share: plan.c) ---- */

/*
 * A plan without steps: rights and identity checked, settings read, the wire looked at (which becomes
 * the baseline that an undo must bring back). NULL with ERR_OTHER_SERVER, ERR_MAY_NOT_CHANGE,
 * ERR_NO_CONNECTION …
 */
struct plan *plan_new(const struct plan_target *target, const char *kind, const char *title,
                      struct err *err) MUST_CHECK;
/* kind: the name of a row, which outlives the plan. Takes data (a new reference). The step belongs to the plan; valid until the next one is added. */
struct step *plan_add(struct plan *plan, const char *kind, enum plan_mark mark, json_t *data);
void step_set_title(struct step *step, const char *fmt, ...) PRINTF_LIKE(2, 3);
void step_set_saw(struct step *step, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *step_text(const struct step *step, const char *field); /* "" when missing */
bool step_is(const struct step *step, const char *field);        /* a boolean; false when missing */
const char *step_hash(const struct strbuf *bytes, char hex[65]); /* SHA-256, lower case */

/* A new file in the data directory: "<stem>-<first 12 of its hash><suffix>". *ret_name (may be NULL)
 * is that name, for the caller to free(): what a setting gets. */
bool plan_add_file(struct plan *plan, const char *stem, const char *suffix, struct strbuf *bytes,
                   unsigned mode, const char *effect, char **ret_name, struct err *err) MUST_CHECK;
/* ALTER SYSTEM SET, or "no change". ERR_SETTING_OVERRIDDEN. */
bool plan_add_setting(struct plan *plan, const char *name, const char *value, const char *effect,
                      struct err *err) MUST_CHECK;
/* The second change of a setting within a plan: from what an earlier step made it ("was") to value, or
 * to no line of its own (set false). */
void plan_add_setting_again(struct plan *plan, const char *name, const char *was, bool set,
                            const char *value, const char *effect);
/* Given on the server's command line: ALTER SYSTEM succeeds there, and changes nothing. */
bool plan_setting_is_held(const struct plan *plan, const char *name);
void plan_add_reload(struct plan *plan); /* "no change" when nothing before it changes anything */
void plan_add_look(struct plan *plan, const char *kind, const char *title);

/* There already? By hand, where that cannot be seen: no. */
bool plan_file_there(const struct plan *plan, const char *path, bool *ret,
                     struct err *err) MUST_CHECK;
char *plan_path(const struct plan *plan, const char *name); /* absolute: in the data directory */

/* ---- the intent, for the journal and for a file (want.c, saved.h) ---- */

/* Each a new reference; NULL where it would hold a key. */
json_t *want_server_tls(const struct server_tls_intent *intent);
json_t *want_server_cert(const struct server_cert_intent *intent);
json_t *want_trust_ca(const struct trust_ca_intent *intent);
json_t *want_untrust_ca(const struct untrust_ca_intent *intent);
json_t *want_publish_crl(void);
json_t *want_access_rules(const struct access_rules_intent *intent);
json_t *want_remove_rules(const struct remove_rules_intent *intent);
const char *want_method_name(enum access_method method);
/* Settings, and hashes of the files, that a plan of this kind is built on. */
json_t *want_saw(const char *kind, struct files *files, const struct settings *settings);
/* Into plan->intent; takes want. */
void plan_set_want(struct plan *plan, json_t *want);
/* What the plan was built from is still so: between the plan and the "yes" somebody may have written into
 * the same file, and a list or CA of theirs would be lost. ERR_PLAN_STALE (saved_fresh.c). */
bool plan_check_fresh(const struct plan *plan, struct err *err) MUST_CHECK;

/* ---- the rules file (rules_file.c) ---- */

/* A guard that puts a file back by itself. */
void plan_add_guard(struct plan *plan, const char *path, const char *backup, const char *before,
                    const char *after);
/* A file that keeps its name: a copy, (with_guard) the guard, then the bytes, and for a person's hands what
 * differs. All borrowed. */
struct plan_rewrite {
    const char *kind; /* of the step */
    const char *path, *copy_stem, *copy_effect, *effect, *title;
    const struct strbuf *old, *wanted;
    const struct strbuf *lines; /* what differs, for people */
    bool with_guard;
};
bool plan_add_rewrite(struct plan *plan, const struct plan_rewrite *file,
                      struct err *err) MUST_CHECK;
/* pg_hba.conf as it is. ERR_STANDBY on a standby where SQL is the only way, and could not write these
 * bytes again. */
bool plan_read_rules(struct plan *plan, struct strbuf *out, struct err *err) MUST_CHECK;
/* The file has no error now: an old one would keep our rules out too. By hand a role that may not ask is
 * spared the answer. */
bool plan_check_rules(const struct plan *plan, struct err *err) MUST_CHECK;
/* ERR_WOULD_LOCK_OUT: a rule of pg_hba.conf wants certificates, and without any CA it refuses everybody. */
bool plan_check_no_rule_needs_cert(const struct plan *plan, struct err *err) MUST_CHECK;
/* The whole way from old to wanted: a copy, the guard, the bytes, the check, the reload. lines: what
 * differs, for people. */
bool plan_add_rules_file(struct plan *plan, const struct strbuf *old, const struct strbuf *wanted,
                         const struct strbuf *lines, const char *title, struct err *err) MUST_CHECK;
/* What differs, as comments with the lines around it, and shell lines that do the same: where lines only
 * come in, or only go (rules_diff.c). */
void rules_diff(const char *path, const struct strbuf *old, const struct strbuf *wanted,
                struct strbuf *out);
/* ---- the file of the maps (map_file.c) ---- */

/* pg_ident.conf as it is; it must be free of errors: ERR_HBA. */
bool plan_read_maps(struct plan *plan, struct strbuf *out, struct err *err) MUST_CHECK;
/* Lines of this map go above what is there, but for those that are there already (*ret_wanted is then
 * as old). */
bool plan_map_lines(struct plan *plan, const struct access_rules_intent *intent,
                    const struct strbuf *old, struct strbuf *ret_wanted, struct strbuf *ret_lines,
                    struct err *err) MUST_CHECK;
/* Each role of the intent can come in through the map. ERR_WOULD_LOCK_OUT. */
bool plan_check_map(struct plan *plan, const struct access_rules_intent *intent,
                    const struct strbuf *wanted, struct err *err) MUST_CHECK;
/* ERR_POLICY: the new lines would let somebody in by a rule that is not about certificates (peer). */
bool plan_check_map_use(const struct access_rules_intent *intent, const struct hba *rules,
                        struct err *err) MUST_CHECK;
/* Lines of ours that no rule of the file needs go. */
void plan_unused_map_lines(const struct strbuf *old, const struct hba *rules,
                           struct strbuf *ret_wanted, struct strbuf *ret_lines);
/* A copy, (with_guard) a guard, the bytes, the check; the reload comes with the rules, or by the
 * caller. */
bool plan_add_maps_file(struct plan *plan, const struct strbuf *old, const struct strbuf *wanted,
                        const struct strbuf *lines, const char *title, bool with_guard,
                        struct err *err) MUST_CHECK;

/* The guards of this plan are gone for sure. */
bool rules_end_guards(struct plan *plan, struct conn *admin, struct err *err) MUST_CHECK;
/* The same, and the file is what the plan made it: nobody, and no guard, has changed it. */
bool rules_confirm(struct plan *plan, struct err *err) MUST_CHECK;

/* Every CA that the wire named before the plan is among these. */
bool plan_knows_cas(const struct plan *plan, const struct cert_list *cas);

/* ---- who would be refused (refused.c, refused_find.c) ---- */

struct session;
void plan_add_refused(struct plan *plan, const struct session *session, const char *why);
void plan_clear_refused(struct plan *plan);
/* Sessions that pg_hba.conf lets in now and would not with the wanted text, and the maps that the plan
 * would make; and roles without a session whose certificates would not do any more. */
bool plan_find_refused(struct plan *plan, const struct strbuf *present, const struct strbuf *wanted,
                       struct err *err) MUST_CHECK;

/* ---- one at a time (lock.c) ---- */

/* While a plan runs, and until it is kept or taken back, nobody else applies one to this server. */
bool plan_lock(struct plan *plan, const struct plan_watch *watch, struct err *err) MUST_CHECK;
void plan_unlock(struct plan *plan);

/* ---- running (run.c, run_load.c; run_undo() in undo.c, run_claim() in keep.c) ---- */

void run_saw(const struct plan_watch *watch, const char *fmt, ...) PRINTF_LIKE(2, 3);
void run_report(const struct plan *plan, const struct plan_watch *watch, size_t i);
bool run_set_step(struct plan *plan, size_t i, enum journal_step_state state, struct err *err);
bool run_set_plan(struct plan *plan, enum journal_plan_state state, struct err *err);
/* Takes back what was begun, reloads, proves the baseline. The plan ends UNDONE or LEFT; false with
 * what is left. */
bool run_undo(struct plan *plan, const struct plan_watch *watch, struct err *err);
/* The plan moves from its state to another, unless another process has moved it meanwhile: then
 * plan->state is what that one made it, and false. */
bool run_claim(struct plan *plan, enum journal_plan_state to, struct err *err) MUST_CHECK;
/* A plan of the journal, by its typed fields. */
struct plan *run_load_plan(const struct plan_target *target, int64_t id,
                           struct err *err) MUST_CHECK;
/* Sets or takes back what a kept plan says about trusted CAs (bundle_record.c). */
bool run_set_trust(struct plan *plan, bool kept, struct err *err);

/* ---- the baseline (baseline.c) ---- */

json_t *baseline_of(const struct handshake *handshake);
/* Polls until the wire shows the baseline again. */
bool baseline_prove(const struct plan *plan, const struct plan_target *target,
                    const struct plan_watch *watch, struct err *err);

/* ---- the order of postgresql.auto.conf (auto_conf.c) ---- */

json_t *auto_conf_order(struct conn *conn); /* names; empty where it may not be read */
void auto_conf_restore_order(struct conn *conn, const json_t *names);

/* ---- polling (proof_poll.c) ---- */

#define PROOF_TIMEOUT_MS 5000
struct proof_poll {
    int64_t deadline_ms;
    int pause_ms;
};
struct proof_poll proof_poll_start(void);
bool proof_poll_again(struct proof_poll *poll); /* sleeps a little; false when the time is over */

#endif
