/* server_tls.c - a server gets a certificate of its own, and TLS goes on by reload. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/step.h"
#include "core/store/authority_request.h"
#include "core/store/issued.h"

#define KEEP_AT_LEAST_DAYS 30 /* a certificate of ours that lasts longer is not replaced */

#define LOST_MAX 20

/* ---- while it is applied ---- */

/* The one of ours that the server shows until now; NULL: none. */
static struct issued *find_present(const struct plan *plan)
{
    const struct cert *leaf = plan->before.chain.n > 0 ? plan->before.chain.certs[0] : NULL;
    struct err ignored = ERR_INIT;
    struct issued *issued = NULL;
    char hex[SERIAL_HEX_MAX];

    if (leaf) {
        struct serial serial = cert_serial(leaf);

        issued = issued_find(plan->target.store, serial_format_hex(hex, &serial), &ignored);
    }
    if (issued && !cert_equal(issued->cert, leaf)) {
        issued_free(issued);
        issued = NULL;
    }
    return issued;
}

/* Made for the present one (0: there was none), or for another try that was. */
static bool is_try_for(struct store *store, const struct issued *row, int64_t present_id)
{
    int64_t above_id = row->replaces;
    struct err ignored = ERR_INIT;

    for (int i = 0; i < LOST_MAX && above_id != present_id && above_id != 0; i++) {
        struct issued *above = issued_load(store, above_id, &ignored);

        above_id = above != NULL && !above->delivered ? above->replaces : 0;
        issued_free(above);
    }
    return above_id == present_id;
}

/* An earlier try was killed or taken back: its row stays, since what was signed can be revoked, and this
 * one is made in its place. Takes present; NULL: the server has none of ours. */
static struct issued *find_lost(const struct plan *plan, struct issued *present)
{
    int64_t present_id = present != NULL ? present->id : 0;
    struct issued *found = present;
    struct issued_list lost = {.n = 0};
    struct err ignored = ERR_INIT;

    if (!issued_undelivered(plan->target.store, plan->hosts[0], LOST_MAX, &lost, &ignored))
        return present;
    for (size_t i = 0; i < lost.n && found == present; i++) {
        if (lost.rows[i]->kind != ISSUED_SERVER ||
            !is_try_for(plan->target.store, lost.rows[i], present_id))
            continue;
        issued_free(present);
        found = lost.rows[i];
        lost.rows[i] = NULL; /* taken */
        break;
    }
    issued_list_clear(&lost);
    return found;
}

static bool issue(struct plan *plan, struct step *step, const struct key *key, struct issued **ret,
                  struct err *err)
{
    struct issued *present = find_lost(plan, find_present(plan));
    struct issue_spec spec = {.kind = ISSUED_SERVER,
                              .hosts = (const char *const *)plan->hosts,
                              .n_hosts = plan->n_hosts,
                              .days = plan->days,
                              .key = key,
                              .replaces = present};
    struct issued *issued =
        issued_make(plan->target.store, plan->authority, plan->authority_key, &spec, err);
    struct authority_parents parents = {.crls = NULL};
    char hex[SERIAL_HEX_MAX];
    bool good = false;

    issued_free(present);
    if (!issued)
        return false;
    cert_free(plan->leaf);
    plan->leaf = cert_dup(issued->cert);
    serial_format_hex(hex, &issued->serial);
    json_object_set_new(step->data, "serial", json_string(hex));
    strbuf_reset(&step->bytes);
    good = cert_to_pem(issued->cert, &step->bytes, err) &&
           (cert_is_self_signed(plan->authority->cert) ||
            cert_to_pem(plan->authority->cert, &step->bytes, err)) &&
           authority_load_parents(plan->target.store, plan->authority, &parents, err);
    for (size_t i = 0; good && i + 1 < parents.certs.n; i++) /* all but the root */
        good = cert_to_pem(parents.certs.certs[i], &step->bytes, err);
    authority_parents_clear(&parents);
    if (good)
        *ret = issued;
    else
        issued_free(issued);
    return good;
}

bool step_server_cert_apply(struct step_run *run, struct step *step, struct err *err)
{
    struct plan *plan = run->plan;
    struct issued *issued = NULL;
    struct key *key;
    bool good;

    if (!plan->authority_key)
        return err_set(err, ERR_CA_KEY, _("the key of \"%s\" was not opened for this plan"),
                       plan->authority->name);
    key = key_from_pem(secret_data(step->secret), secret_len(step->secret), NULL, err);
    if (!key)
        return false;
    /* the row is committed before the file appears: what exists can be revoked; with its serial number
     * in the journal, whoever takes this back finds the row */
    good = issue(plan, step, key, &issued, err) &&
           run_set_step(plan, (size_t)(step - plan->steps), JOURNAL_STEP_DOING, err) &&
           files_write_new(run->files, step_text(step, "path"), step->bytes.data, step->bytes.len,
                           0644, NULL, err) &&
           issued_mark_delivered(plan->target.store, issued, err);
    issued_free(issued);
    key_free(key);
    if (good) {
        secret_free(step->secret);
        step->secret = NULL;
        step_set_saw(step, _("issued: serial number %s; read back"), step_text(step, "serial"));
    }
    return good;
}

/* Where the file goes its key goes too: nobody can show this certificate any more. Said before, so that
 * a kill in between is repeated; taken back where the file could not be removed. */
bool step_server_cert_undo(struct step_run *run, struct step *step, struct err *err)
{
    struct store *store = run->plan->target.store;
    struct issued *issued = NULL;
    struct err unknown = ERR_INIT;
    bool there = false;
    bool good;

    if (*step_text(step, "serial"))
        issued = issued_find(store, step_text(step, "serial"), &unknown);
    good = (issued == NULL || issued_unmark_delivered(store, &issued->serial, err)) &&
           step_file_undo(run, step, err) &&
           files_exists(run->files, step_text(step, "path"), &there, err) &&
           (!there || issued == NULL || issued_mark_delivered(store, issued, err));
    issued_free(issued);
    return good;
}

bool step_prove_server_cert(struct step_run *run, struct step *step, struct err *err)
{
    struct cert *root = run->plan->authority->cert;
    const struct cert_list roots = {.certs = &root, .n = 1};
    struct authority_parents parents = {.crls = NULL};
    bool good;

    if (!authority_load_parents(run->plan->target.store, run->plan->authority, &parents, err))
        return false;
    if (parents.certs.n > 0) /* what a client trusts is the root */
        root = parents.certs.certs[parents.certs.n - 1];
    good = proof_server_cert(run->target, run->plan->leaf, &roots, run->watch, err);
    authority_parents_clear(&parents);
    if (!good)
        return false;
    step_set_saw(step, _("the new certificate, chain complete"));
    return true;
}

/* ---- making the plan ---- */

static bool take_intent(struct plan *plan, const struct server_tls_intent *intent, struct err *err)
{
    if (intent->authority_key)
        plan->authority_key = key_dup(intent->authority_key);
    plan->authority = authority_load_id(plan->target.store, intent->authority->id, err);
    if (!plan->authority)
        return false;
    plan->days = intent->days;
    plan->n_hosts = intent->n_hosts ? intent->n_hosts : 1;
    plan->hosts = mem_array(plan->n_hosts, sizeof(plan->hosts[0]));
    for (size_t i = 0; i < plan->n_hosts; i++)
        plan->hosts[i] = mem_strdup(intent->n_hosts ? intent->hosts[i] : plan->target.tls_host);
    return true;
}

/* The server shows a certificate of this CA for these hosts that lasts a while. */
static bool is_good_already(const struct plan *plan, const struct cert *replace)
{
    const struct handshake *before = &plan->before;
    const struct cert *leaf = before->chain.n > 0 ? before->chain.certs[0] : NULL;
    int64_t days =
        plan->days && plan->days < 2 * KEEP_AT_LEAST_DAYS ? plan->days / 2 : KEEP_AT_LEAST_DAYS;
    struct err ignored = ERR_INIT;
    struct san san;
    bool good = true;

    if (before->verdict == HANDSHAKE_NO_TLS || !leaf || (replace && cert_equal(leaf, replace)) ||
        !cert_issued_by(leaf, plan->authority->cert) ||
        clock_days_until(cert_not_after(leaf)) < days)
        return false;
    san_init(&san);
    if (!cert_san(leaf, &san, &ignored))
        good = false;
    for (size_t i = 0; good && i < plan->n_hosts; i++)
        good = san_has(&san, plan->hosts[i]);
    san_clear(&san);
    return good;
}

static bool add_nothing(struct plan *plan, struct err *err)
{
    static const char *const names[] = {"ssl_cert_file", "ssl_key_file", "ssl"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!plan_add_setting(plan, names[i], settings_value(&plan->settings, names[i]), "", err))
            return false;
    }
    plan_add_reload(plan);
    return true;
}

static struct step *add_by_key(struct plan *plan, const char *kind, const char *name,
                               const struct secret *pem)
{
    char *path = plan_path(plan, name);
    struct step *step = plan_add(plan, kind, PLAN_NEW, json_pack("{s:s}", "path", path));

    free(step->file);
    step->file = path;
    step->secret = secret_dup(pem);
    return step;
}

static void add_files(struct plan *plan, const struct secret *pem, const char *key_name,
                      const char *cert_name)
{
    struct step *step = add_by_key(plan, "key", key_name, pem);
    struct strbuf hosts = STRBUF_INIT;

    step_set_title(step, _("file %s: new, 0600, private key (EC P-256)"), key_name);
    step = add_by_key(plan, "server_cert", cert_name, pem);
    for (size_t i = 0; i < plan->n_hosts; i++)
        strbuf_printf(&hosts, "%s%s", i ? ", " : "", plan->hosts[i]);
    step_set_title(step, _("file %s: new, 0644, of \"%s\" for %s"), cert_name,
                   plan->authority->name, hosts.data);
    strbuf_clear(&hosts);
}

static bool add_steps(struct plan *plan, struct err *err)
{
    bool was_off = plan->before.verdict == HANDSHAKE_NO_TLS;
    struct key *key = key_generate(KEY_EC_P256, NULL, NULL, err);
    struct secret *pem = key ? key_to_pem(key, NULL, 0, err) : NULL;
    struct strbuf public = STRBUF_INIT;
    char *key_name = NULL;
    char *cert_name = NULL;
    char hex[65];
    bool good = false;

    if (!pem || !key_public_der(key, &public, err))
        goto out;
    step_hash(&public, hex); /* the certificate does not exist yet: its key names both files */
    key_name = mem_printf("pgseal-server-%.12s.key", hex);
    cert_name = mem_printf("pgseal-server-%.12s.crt", hex);
    add_files(plan, pem, key_name, cert_name);
    if (!plan_add_setting(plan, "ssl_cert_file", cert_name, _("new sessions see it"), err) ||
        !plan_add_setting(plan, "ssl_key_file", key_name, "", err) ||
        !plan_add_setting(plan, "ssl", "on",
                          was_off ? _("clients with sslmode=prefer use TLS from now on") : "", err))
        goto out;
    plan_add_reload(plan);
    plan_add_look(plan, "prove_server_cert", _("handshake: the server shows this certificate"));
    plan_add_look(plan, "prove_admin", _("a new admin login"));
    good = true;
out:
    key_free(key);
    secret_free(pem);
    strbuf_clear(&public);
    free(key_name);
    free(cert_name);
    return good;
}

static bool check_local(const struct plan *plan, struct err *err)
{
    if (files_way(plan->files) == FILES_LOCAL || plan->target.by_hand)
        return true;
    err_set(err, ERR_MAY_NOT_CHANGE,
            _("the private key of server \"%s\" can only be written on its own machine"),
            plan->target.server->name);
    err_cause(err, _("pgseal runs elsewhere, or as a user who may not write the server's files."));
    return err_hint(err,
                    _("Run pgseal there, or issue the certificate (\"pgseal issue server\") and "
                      "copy it over yourself: a key does not travel through SQL."));
}

struct plan *plan_server_tls(const struct plan_target *target,
                             const struct server_tls_intent *intent, struct err *err)
{
    char *title = mem_printf(_("turn TLS on for server \"%s\""), target->server->name);
    struct plan *plan = plan_new(target, "server_tls", title, err);
    bool good = false;

    free(title);
    if (!plan)
        return NULL;
    if (text_equal(settings_value(&plan->settings, "ssl"), "on")) {
        free(plan->title);
        plan->title = mem_printf(_("give server \"%s\" a certificate"), target->server->name);
    }
    if (take_intent(plan, intent, err)) {
        if (is_good_already(plan, intent->replace))
            good = add_nothing(plan, err);
        else
            good = check_local(plan, err) && add_steps(plan, err);
    }
    if (good) {
        plan_set_want(plan, want_server_tls(intent));
        return plan;
    }
    plan_free(plan);
    return NULL;
}
