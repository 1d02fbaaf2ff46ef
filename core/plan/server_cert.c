/* server_cert.c - a server gets a certificate that another CA signed: a request for it, and what came
 * back, or a pair that exists. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/hba.h"
#include "core/pki/chain.h"
#include "core/pki/ossl.h"
#include "core/plan/step.h"
#include "core/store/issued.h"

#define STRONG_BITS 112 /* RSA-2048: what OpenSSL asks for at its default level */

/* The key's file is named after the key: a certificate for it finds it. */
static char *key_file_name(const struct strbuf *public_der)
{
    char hex[65];

    return mem_printf("pgseal-server-%.12s.key", step_hash(public_der, hex));
}

static void public_of(const struct cert *cert, struct strbuf *out)
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(ossl_cert(cert)), &der);

    if (len > 0)
        strbuf_add(out, der, (size_t)len);
    OPENSSL_free(der);
    ossl_clear();
}

static bool check_local(const struct plan *plan, struct err *err)
{
    if (files_way(plan->files) == FILES_LOCAL || plan->target.by_hand)
        return true;
    err_set(err, ERR_MAY_NOT_CHANGE,
            _("the private key of server \"%s\" can only be written on its own machine"),
            plan->target.server->name);
    err_cause(err, _("pgseal runs elsewhere, or as a user who may not write the server's files."));
    return err_hint(err, _("Run pgseal there: a key does not travel through SQL."));
}

static void add_key(struct plan *plan, const char *name, const struct secret *pem,
                    const char *effect)
{
    char *path = plan_path(plan, name);
    struct step *step = plan_add(plan, "key", PLAN_NEW, json_pack("{s:s}", "path", path));

    step_set_title(step, _("file %s: new, 0600, the server's private key"), name);
    free(step->effect);
    step->effect = mem_strdup(effect);
    free(step->file);
    step->file = path;
    step->secret = secret_dup(pem);
}

/* ---- a request ---- */

static bool make_request(const struct server_request_intent *intent, const struct key *key,
                         struct strbuf *out, struct err *err)
{
    struct name *subject = NULL;
    struct csr *csr = NULL;
    struct san san;
    bool good = true;

    san_init(&san);
    for (size_t i = 0; i < intent->n_hosts && good; i++)
        good = san_add(&san, intent->hosts[i], err);
    if (good && san.n == 0)
        good = err_set(err, ERR_BAD_VALUE, _("no host was named"));
    for (size_t i = 0; i < san.n && good && !subject; i++) {
        if (strlen(san.entries[i].text) <= NAME_CN_MAX)
            subject = name_new_common_name(san.entries[i].text, err);
    }
    if (good && !subject)
        subject = name_new_empty(); /* the names that count are in the subjectAltName */
    csr = good ? csr_new(subject, &san, key, err) : NULL;
    good = csr && csr_to_pem(csr, out, err);
    csr_free(csr);
    name_free(subject);
    san_clear(&san);
    return good;
}

struct plan *plan_server_request(const struct plan_target *target,
                                 const struct server_request_intent *intent, struct strbuf *ret_csr,
                                 struct err *err)
{
    char *title = mem_printf(_("make a key and a request for server \"%s\""), target->server->name);
    struct plan *plan = plan_new(target, "server_request", title, err);
    struct strbuf public = STRBUF_INIT;
    struct secret *pem = NULL;
    struct key *key = NULL;
    char *name = NULL;
    bool good = false;

    free(title);
    if (!plan || !check_local(plan, err))
        goto out;
    key = key_generate(intent->key_type, NULL, NULL, err);
    pem = key ? key_to_pem(key, NULL, 0, err) : NULL;
    if (!pem || !key_public_der(key, &public, err) || !make_request(intent, key, ret_csr, err))
        goto out;
    name = key_file_name(&public);
    add_key(plan, name, pem, _("waits for its certificate; nothing uses it yet"));
    good = true;
out:
    strbuf_clear(&public);
    secret_free(pem);
    key_free(key);
    free(name);
    if (good)
        return plan;
    plan_free(plan);
    return NULL;
}

/* ---- what came back: the chain ---- */

struct given {
    struct plan *plan;
    const struct server_cert_intent *intent;
    struct cert_list chain; /* the server's own first; without the root */
    struct cert *root;      /* borrowed from the intent: the end of the chain, or NULL */
    struct key *key;        /* NULL: none was given */
};

static bool has(const struct cert_list *list, const struct cert *cert)
{
    for (size_t i = 0; i < list->n; i++) {
        if (cert_equal(list->certs[i], cert))
            return true;
    }
    return false;
}

/* The one that the key belongs to; without a key the one that is no CA; or the only one. */
static const struct cert *find_leaf(const struct given *given, struct err *err)
{
    const struct cert_list *certs = given->intent->certs;
    const struct cert *leaf = NULL;

    for (size_t i = 0; i < certs->n; i++) {
        bool is_it = given->key ? cert_matches_key(certs->certs[i], given->key)
                                : !cert_is_ca(certs->certs[i]) || certs->n == 1;

        if (is_it && leaf && !cert_equal(leaf, certs->certs[i])) {
            err_set(err, ERR_POLICY, _("there are several certificates of a server"));
            return NULL;
        }
        if (is_it)
            leaf = certs->certs[i];
    }
    if (leaf)
        return leaf;
    if (given->key)
        err_set(err, ERR_SERVER_KEY_OTHER, _("none of these certificates is for this key"));
    else
        err_set(err, ERR_POLICY, _("there are certificates of CAs only, none of a server"));
    return NULL;
}

/* Any order is taken; what does not belong to the chain is not put there silently. */
static bool order_chain(struct given *given, struct err *err)
{
    const struct cert_list *certs = given->intent->certs;
    const struct cert *at = find_leaf(given, err);

    while (at) {
        const struct cert *next = NULL;

        cert_list_take(&given->chain, cert_dup(at));
        for (size_t i = 0; i < certs->n && !next && !cert_is_self_signed(at); i++) {
            if (cert_issued_by(at, certs->certs[i]) && !has(&given->chain, certs->certs[i]))
                next = certs->certs[i];
        }
        if (next && cert_is_self_signed(next)) {
            given->root = (struct cert *)(uintptr_t)next;
            next = NULL;
        }
        at = next;
    }
    for (size_t i = 0; i < certs->n && given->chain.n > 0; i++) {
        struct strbuf name = STRBUF_INIT;

        if (has(&given->chain, certs->certs[i]) ||
            (given->root && cert_equal(given->root, certs->certs[i])))
            continue;
        cert_format_subject(certs->certs[i], &name);
        err_set(err, ERR_POLICY, _("certificate \"%s\" does not belong to the chain"), name.data);
        strbuf_clear(&name);
        return false;
    }
    return given->chain.n > 0;
}

static bool check_dates(const struct cert *cert, const char *name, struct err *err)
{
    char date[CLOCK_TEXT_MAX];

    if (cert_not_after(cert) <= clock_now())
        return err_set(err, ERR_SERVER_CERT_ENDED, _("certificate \"%s\" ended on %s"), name,
                       clock_format_minute(date, cert_not_after(cert)));
    if (cert_not_before(cert) > clock_now())
        return err_set(err, ERR_POLICY, _("certificate \"%s\" is not valid before %s"), name,
                       clock_format_minute(date, cert_not_before(cert)));
    return true;
}

static bool check_strength(const struct cert *cert, const char *name, struct err *err)
{
    X509 *x509 = ossl_cert(cert);
    EVP_PKEY *key = X509_get0_pubkey(x509);
    int bits = 0;

    if (!key || EVP_PKEY_get_security_bits(key) < STRONG_BITS)
        return err_set(err, ERR_WEAK_KEY, _("the key of \"%s\" has %d bits"), name,
                       key ? EVP_PKEY_get_bits(key) : 0);
    if (!cert_is_self_signed(cert) && X509_get_signature_info(x509, NULL, NULL, &bits, NULL) == 1 &&
        bits > 0 && bits < STRONG_BITS)
        return err_set(err, ERR_WEAK_KEY, _("\"%s\" is signed with %s"), name,
                       OBJ_nid2sn(X509_get_signature_nid(x509)));
    return true;
}

static bool check_each(const struct given *given, struct err *err)
{
    for (size_t i = 0; i < given->chain.n; i++) {
        struct strbuf name = STRBUF_INIT;
        bool good;

        cert_format_subject(given->chain.certs[i], &name);
        good = check_dates(given->chain.certs[i], name.data, err) &&
               check_strength(given->chain.certs[i], name.data, err);
        strbuf_clear(&name);
        if (!good)
            return false;
    }
    return true;
}

/* As libpq compares: an address with an iPAddress, a name with a dNSName, or the CN without one. */
static bool is_for_host(const struct cert *leaf, const char *host)
{
    X509 *x509 = ossl_cert(leaf);
    bool good = X509_check_ip_asc(x509, host, 0) == 1 ||
                X509_check_host(x509, host, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;

    ossl_clear();
    return good;
}

static bool check_hosts(const struct given *given, struct err *err)
{
    const struct server_cert_intent *intent = given->intent;
    const struct cert *leaf = given->chain.certs[0];
    size_t n = intent->n_hosts > 0 ? intent->n_hosts : 1;

    for (size_t i = 0; i < n; i++) {
        const char *host = intent->n_hosts > 0 ? intent->hosts[i] : given->plan->target.tls_host;
        struct strbuf names = STRBUF_INIT;
        struct err ignored = ERR_INIT;
        struct san san;

        if (is_for_host(leaf, host))
            continue;
        san_init(&san);
        if (cert_san(leaf, &san, &ignored))
            san_format(&san, &names);
        san_clear(&san);
        err_set(err, ERR_HOST_DIFFERS, _("the certificate is not for \"%s\""), host);
        err_cause(err, _("Its names are: %s."), names.len > 0 ? names.data : _("none"));
        err_hint(err, _("If clients use another name, give that one (--host NAME)."));
        strbuf_clear(&names);
        return false;
    }
    return true;
}

/* libpq cannot bind SCRAM to a certificate that an EdDSA CA signed: password logins fail. */
static bool check_scram(struct plan *plan, const struct cert *leaf, struct err *err)
{
    int nid = X509_get_signature_nid(ossl_cert(leaf));
    struct strbuf text = STRBUF_INIT;
    struct hba hba;
    int line = 0;

    if (nid != NID_ED25519 && nid != NID_ED448)
        return true;
    if (!files_read(plan->files, plan->settings.hba_file, 4u << 20, &text, err)) {
        strbuf_clear(&text);
        return false;
    }
    hba_parse(text.data, text.len, conn_server_version(plan->target.admin), &hba);
    for (size_t i = 0; i < hba.n && line == 0; i++) {
        const struct hba_rule *rule = &hba.lines[i].rule;

        if (hba.lines[i].kind == HBA_RULE && strcmp(rule->method, "scram-sha-256") == 0 &&
            (rule->type == HBA_HOST || rule->type == HBA_HOSTSSL))
            line = hba.lines[i].number;
    }
    hba_clear(&hba);
    strbuf_clear(&text);
    if (line == 0)
        return true;
    err_set(err, ERR_SCRAM_EDDSA,
            _("the certificate is signed with %s, and line %d of pg_hba.conf "
              "asks for a password"),
            OBJ_nid2sn(nid), line);
    return err_hint(err, _("Let a CA with an RSA or EC key sign it."));
}

static bool check_chain(const struct given *given, struct err *err)
{
    const struct cert_list *roots = given->intent->roots;
    struct cert_list above = {.certs = given->chain.certs + 1, .n = given->chain.n - 1};
    struct chain_verdict verdict;

    if (!cert_for_servers(given->chain.certs[0]))
        return err_set(err, ERR_POLICY,
                       _("the certificate may not be a server's (its extended key "
                         "usage)"));
    if (!roots)
        return true;
    chain_verify_server(given->chain.certs[0], &above, roots, NULL, clock_now(), &verdict);
    if (verdict.accepted)
        return true;
    err_set(err, ERR_SERVER_NOT_VERIFIED,
            _("the chain does not lead to what the clients trust: %s"), verdict.cause);
    return err_hint(err, _("Put the CA's intermediate certificates into the file too."));
}

/* ---- the key ---- */

static bool check_encrypted(const struct given *given, struct err *err)
{
    const struct settings *settings = &given->plan->settings;

    if (*settings_value(settings, "ssl_passphrase_command") &&
        strcmp(settings_value(settings, "ssl_passphrase_command_supports_reload"), "on") == 0)
        return given->intent->passphrase ||
               err_set(err, ERR_PASSPHRASE, _("the key is encrypted, and no passphrase was given"));
    err_set(err, ERR_POLICY, _("the key is encrypted, and server \"%s\" could not load it"),
            given->plan->target.server->name);
    err_cause(err, _("Without ssl_passphrase_command, and ssl_passphrase_command_supports_reload = "
                     "on, a key with a passphrase keeps every TLS file from being reloaded."));
    return err_hint(err, _("Take the passphrase off: openssl pkey -in KEY -out NEWKEY."));
}

static bool open_key(struct given *given, struct err *err)
{
    const struct secret *pem = given->intent->key_pem;

    if (!pem)
        return true;
    if (key_pem_is_encrypted(secret_data(pem), secret_len(pem)) && !check_encrypted(given, err))
        return false;
    given->key = key_from_pem(secret_data(pem), secret_len(pem), given->intent->passphrase, err);
    return given->key != NULL;
}

/* The file's content: as it was given when it is encrypted, else nothing but the key. */
static struct secret *key_bytes(const struct given *given, struct err *err)
{
    const struct secret *pem = given->intent->key_pem;

    return key_pem_is_encrypted(secret_data(pem), secret_len(pem))
               ? secret_dup(pem)
               : key_to_pem(given->key, NULL, 0, err);
}

/* *ret_name: the value of ssl_key_file. */
static bool place_key(const struct given *given, char **ret_name, struct err *err)
{
    struct plan *plan = given->plan;
    const struct handshake *before = &plan->before;
    struct strbuf public = STRBUF_INIT;
    struct strbuf shown = STRBUF_INIT;
    char *name, *path;
    bool there = false;
    bool good;

    public_of(given->chain.certs[0], &public);
    name = key_file_name(&public);
    path = plan_path(plan, name);
    good = plan_file_there(plan, path, &there, err);
    if (good && given->key && !there) {
        struct secret *pem = check_local(plan, err) ? key_bytes(given, err) : NULL;

        good = pem != NULL;
        if (good)
            add_key(plan, name, pem, "");
        secret_free(pem);
    } else if (good && !there) { /* a new certificate for the key that the server has */
        if (before->chain.n > 0)
            public_of(before->chain.certs[0], &shown);
        good = before->chain.n > 0 && strbuf_equal(&public, &shown);
        if (good) {
            free(name);
            name = mem_strdup(settings_value(&plan->settings, "ssl_key_file"));
        } else {
            err_set(err, ERR_SERVER_KEY_OTHER, _("server \"%s\" has no key of this certificate"),
                    plan->target.server->name);
            err_hint(err, _("Give the key too (--key FILE), or begin with a request "
                            "(--csr-out FILE)."));
        }
    }
    if (good) {
        *ret_name = name;
        name = NULL;
    }
    strbuf_clear(&public);
    strbuf_clear(&shown);
    free(name);
    free(path);
    return good;
}

/* ---- the plan ---- */

static bool add_cert(const struct given *given, char **ret_name, struct err *err)
{
    const struct cert *last = given->chain.certs[given->chain.n - 1];
    struct strbuf pem = STRBUF_INIT;
    struct strbuf issuer = STRBUF_INIT;
    char date[CLOCK_TEXT_MAX];
    bool good = true;
    char *effect;

    for (size_t i = 0; i < given->chain.n && good; i++)
        good = cert_to_pem(given->chain.certs[i], &pem, err);
    cert_format_issuer(last, &issuer);
    effect =
        mem_printf(_("%zu certificates, valid until %s; clients must trust \"%s\""), given->chain.n,
                   clock_format_minute(date, cert_not_after(given->chain.certs[0])), issuer.data);
    good = good &&
           plan_add_file(given->plan, "pgseal-server", ".crt", &pem, 0644, effect, ret_name, err);
    free(effect);
    strbuf_clear(&pem);
    strbuf_clear(&issuer);
    return good;
}

static bool add_steps(const struct given *given, struct err *err)
{
    struct plan *plan = given->plan;
    bool was_off = plan->before.verdict == HANDSHAKE_NO_TLS;
    char *key_name = NULL;
    char *cert_name = NULL;
    struct step *step;
    bool good;

    good =
        place_key(given, &key_name, err) && add_cert(given, &cert_name, err) &&
        plan_add_setting(plan, "ssl_cert_file", cert_name, _("new sessions see it"), err) &&
        plan_add_setting(plan, "ssl_key_file", key_name, "", err) &&
        plan_add_setting(plan, "ssl", "on",
                         was_off ? _("clients with sslmode=prefer use TLS from now on") : "", err);
    free(key_name);
    free(cert_name);
    if (!good)
        return false;
    plan_add_reload(plan);
    plan_add_look(plan, "prove_shown_cert", _("handshake: the server shows exactly this chain"));
    step = &plan->steps[plan->n - 1];
    for (size_t i = 0; i < given->chain.n; i++)
        cert_list_take(&step->certs, cert_dup(given->chain.certs[i]));
    plan_add_look(plan, "prove_admin", _("a new admin login"));
    return true;
}

struct plan *plan_server_cert(const struct plan_target *target,
                              const struct server_cert_intent *intent, struct err *err)
{
    char *title = mem_printf(_("give server \"%s\" its certificate"), target->server->name);
    struct given given = {.plan = plan_new(target, "server_cert", title, err), .intent = intent};
    bool good;

    free(title);
    cert_list_init(&given.chain);
    good = given.plan && open_key(&given, err) && order_chain(&given, err) &&
           check_each(&given, err) && check_chain(&given, err) && check_hosts(&given, err) &&
           check_scram(given.plan, given.chain.certs[0], err) && add_steps(&given, err);
    cert_list_clear(&given.chain);
    key_free(given.key);
    if (good) {
        plan_set_want(given.plan, want_server_cert(intent));
        return given.plan;
    }
    plan_free(given.plan);
    return NULL;
}

/* ---- a pair that it had before ---- */

static bool check_not_revoked(struct store *store, const struct cert *leaf, const char *name,
                              struct err *err)
{
    const struct serial serial = cert_serial(leaf);
    struct err unknown = ERR_INIT; /* of somebody else's CA */
    char hex[SERIAL_HEX_MAX], date[CLOCK_TEXT_MAX];
    struct issued *issued = issued_find(store, serial_format_hex(hex, &serial), &unknown);
    bool good = !issued || issued->revoked_at == 0 || !cert_equal(issued->cert, leaf);

    if (!good) {
        err_set(err, ERR_POLICY, _("certificate \"%s\" was revoked on %s"), name,
                clock_format_minute(date, issued->revoked_at));
        err_hint(err, _("Its key may be in wrong hands: give the server a new one."));
    }
    issued_free(issued);
    return good;
}

static bool check_can_return(struct store *store, const struct server_again_intent *intent,
                             struct err *err)
{
    const struct cert *leaf = intent->chain->certs[0];
    struct strbuf name = STRBUF_INIT;
    bool good;

    cert_format_subject(leaf, &name);
    good = check_dates(leaf, name.data, err) &&
           (!intent->cert_file || check_not_revoked(store, leaf, name.data, err));
    strbuf_clear(&name);
    return good;
}

struct plan *plan_server_again(const struct plan_target *target,
                               const struct server_again_intent *intent, struct err *err)
{
    char *title = mem_printf(_("give server \"%s\" its former certificate"), target->server->name);
    struct plan *plan = plan_new(target, "server_cert", title, err);
    const struct settings *settings;
    const char *cert_file, *key_file;
    struct step *step;

    free(title);
    if (!plan)
        return NULL;
    settings = &plan->settings;
    cert_file = intent->cert_file ? intent->cert_file : settings_value(settings, "ssl_cert_file");
    key_file = intent->key_file ? intent->key_file : settings_value(settings, "ssl_key_file");
    if (!check_can_return(target->store, intent, err) ||
        !plan_add_setting(plan, "ssl_cert_file", cert_file, _("new sessions see it"), err) ||
        !plan_add_setting(plan, "ssl_key_file", key_file, "", err)) {
        plan_free(plan);
        return NULL;
    }
    plan_add_reload(plan);
    plan_add_look(plan, "prove_shown_cert", _("handshake: the server shows exactly this chain"));
    step = &plan->steps[plan->n - 1];
    for (size_t i = 0; i < intent->chain->n; i++)
        cert_list_take(&step->certs, cert_dup(intent->chain->certs[i]));
    plan_add_look(plan, "prove_admin", _("a new admin login"));
    return plan;
}

/* ---- proof ---- */

/* The certificates in the file are sent, in its order; a root behind them does no harm. */
static bool shows(const struct handshake *now, const struct cert_list *chain)
{
    if (now->verdict == HANDSHAKE_NO_TLS || now->chain.n < chain->n)
        return false;
    for (size_t i = 0; i < chain->n; i++) {
        if (!cert_equal(now->chain.certs[i], chain->certs[i]))
            return false;
    }
    return true;
}

bool step_prove_shown_cert(struct step_run *run, struct step *step, struct err *err)
{
    struct handshake_request request = {.host = run->target->tls_host,
                                        .port = run->target->tls_port};
    struct proof_poll poll_state = proof_poll_start();

    do {
        struct handshake now;
        bool good;

        if (!handshake_run(&request, &now, err))
            return false;
        good = shows(&now, &step->certs);
        if (good)
            run_saw(run->watch, _("handshake: %s, the new server certificate, %zu sent"),
                    now.version, now.chain.n);
        handshake_clear(&now);
        if (good) {
            step_set_saw(step, _("the new certificate"));
            return true;
        }
    } while (proof_poll_again(&poll_state));
    err_set(err, ERR_RELOAD_REFUSED, _("the server still shows another certificate"));
    return err_cause(err, _("It did not load the new files: a key that does not belong to the "
                            "certificate, or one with a passphrase."));
}
