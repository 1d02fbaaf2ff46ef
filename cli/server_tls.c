/* server_tls.c - "server tls": from a CA of ours, a request for another one, or what is there. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/change.h"
#include "cli/server_tls.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/pem.h"
#include "core/plan/fleet.h"

#define KEY_FILE_MAX (64 * 1024)

/* ---- from a CA of ours ---- */

struct tls {
    struct server_tls_intent intent;
    const struct args_values *hosts;
    bool own_too; /* a cluster: each member has its own name beside those that were given */
};

static struct plan *make_tls(void *arg, const struct plan_target *target, struct err *err)
{
    const struct tls *tls = arg;
    struct server_tls_intent intent = tls->intent;
    const char **hosts = mem_array(tls->hosts->n + 1, sizeof(*hosts));
    struct plan *plan;
    size_t n = 0;
    bool own = tls->own_too || tls->hosts->n == 0;

    for (size_t i = 0; i < tls->hosts->n; i++) {
        hosts[n++] = tls->hosts->items[i];
        own = own && !text_equal(tls->hosts->items[i], target->tls_host);
    }
    if (own)
        hosts[n++] = target->tls_host;
    intent.hosts = hosts;
    intent.n_hosts = n;
    plan = plan_server_tls(target, &intent, err);
    free(hosts);
    return plan;
}

static bool from_ours(struct cli *cli, struct err *err)
{
    struct tls tls = {.hosts = &cli->args->options[OPT_HOST]};
    struct fleet_order order = {.make = make_tls, .arg = &tls, .what = _("server certificate")};
    struct authority *authority = NULL;
    struct key *key = NULL;
    int64_t days;
    bool done = false;

    if (!args_int(cli->args, OPT_DAYS, 1, 36525, 0, &days, err) ||
        (!args_has(cli->args, OPT_DRY_RUN) && !args_has(cli->args, OPT_AS_TEXT) &&
         !cli_may_change_servers(cli, err)) ||
        !cli_store(cli, STORE_WRITE, err) ||
        !server_is_cluster(cli->store, cli->args->names[0], &tls.own_too, err))
        goto out;
    authority = cli_authority(cli, err);
    if (!authority)
        goto out;
    if (!args_has(cli->args, OPT_DRY_RUN) || !authority->has_key) { /* a look signs nothing */
        key = cli_unlock(cli, authority, err);
        if (!key)
            goto out;
    }
    tls.intent.authority = authority;
    tls.intent.authority_key = key;
    tls.intent.days = (int)days;
    done = change_run(cli, cli->args->names[0], &order, err);
out:
    key_free(key);
    authority_free(authority);
    return done;
}

static void name_hosts(const struct change *change, const char *const **ret, size_t *ret_n)
{
    const struct args_values *hosts = &change->cli->args->options[OPT_HOST];

    *ret = hosts->n > 0 ? hosts->items : (const char *const *)&change->tls_host;
    *ret_n = hosts->n > 0 ? hosts->n : 1;
}

/* ---- a request for another CA ---- */

/* The request is on the disk before the key is made: a key without one would be of no use. */
static bool request(struct cli *cli, struct err *err)
{
    const char *path = args_value(cli->args, OPT_CSR_OUT);
    bool dry_run = args_has(cli->args, OPT_DRY_RUN);
    const char *type = args_value(cli->args, OPT_KEY);
    struct server_request_intent intent = {.key_type = KEY_EC_P256};
    struct strbuf csr = STRBUF_INIT;
    struct change change = {0};
    struct plan *plan = NULL;
    bool done = false;

    if (args_has(cli->args, OPT_CERT) || args_has(cli->args, OPT_CA) ||
        args_has(cli->args, OPT_AS_TEXT) || args_has(cli->args, OPT_SAVE_PLAN))
        return err_set(err, ERR_USAGE,
                       _("\"--csr-out\" goes without --cert, --ca, --as-text and --save-plan"));
    if ((type && !key_type_parse(type, &intent.key_type, err)) ||
        !change_open(cli, cli->args->names[0], &change, err))
        goto out;
    name_hosts(&change, &intent.hosts, &intent.n_hosts);
    plan = plan_server_request(&change.target, &intent, &csr, err);
    if (!plan)
        goto out;
    if (!dry_run && !fs_write_new(path, csr.data, csr.len, FS_MODE_PUBLIC, err)) {
        plan_free(plan);
        goto out;
    }
    done = change_apply(&change, plan, err);
    if (!done && !dry_run)
        (void)unlink(path);
    if (done && !dry_run)
        output_note(&cli->out,
                    _("request  %s\n"
                      "next     let the CA sign it, then: pgseal server tls %s --cert FILE"),
                    path, change.server->name);
out:
    change_close(&change);
    strbuf_clear(&csr);
    return done;
}

/* ---- a certificate that exists ---- */

static bool read_certs(struct cli *cli, const char *path, struct cert_list *ret, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    struct strbuf cleaned = STRBUF_INIT;
    struct pem pem;
    bool done = cli_read_input(path, PEM_SCAN_MAX, &text, err);

    if (!done) {
        strbuf_wipe(&text);
        return false;
    }
    pem_scan(text.data, text.len, &pem);
    strbuf_wipe(&text);
    done = pem_take_certs(&pem, ret, err) || err_prefix(err, "%s", path);
    pem_cleaned_text(pem.cleaned, &cleaned);
    if (done && cleaned.len > 0)
        output_note(&cli->out, _("[!!] cleaned: %s"), cleaned.data);
    strbuf_clear(&cleaned);
    pem_clear(&pem);
    return done;
}

/* As PostgreSQL judges its own: 0600, or 0640 when it is root's. Else others may have it already. */
static bool check_key_mode(const char *path, struct err *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return true; /* the reading says why */
    if ((st.st_mode & (st.st_uid == 0 ? 0027 : 0077)) == 0)
        return true;
    err_set(err, ERR_KEY_MODE, _("\"%s\" has mode %04o: others can read it"), path,
            (unsigned)st.st_mode & 07777);
    return err_hint(err, _("chmod 600 it; if others were on this machine, make a new key."));
}

void server_pair_clear(struct server_pair *pair)
{
    cert_list_clear(&pair->certs);
    cert_list_clear(&pair->roots);
    secret_free(pair->key);
    secret_free(pair->passphrase);
    *pair = (struct server_pair){.key = NULL};
}

bool server_pair_read(struct cli *cli, struct server_pair *given, struct err *err)
{
    const char *key = args_value(cli->args, OPT_KEY);
    const char *root = args_value(cli->args, OPT_ROOT);

    *given = (struct server_pair){.key = NULL};
    if (!read_certs(cli, args_value(cli->args, OPT_CERT), &given->certs, err) ||
        (root && !read_certs(cli, root, &given->roots, err)) ||
        !cli_secret_file(cli, OPT_KEY_PASSPHRASE_FILE, &given->passphrase, err))
        return false;
    if (!key)
        return true;
    if (!check_key_mode(key, err))
        return false;
    given->key = secret_read_whole(key, KEY_FILE_MAX, err);
    return given->key != NULL;
}

static bool existing(struct cli *cli, struct err *err)
{
    struct server_pair given = {.key = NULL};
    struct server_cert_intent intent = {.certs = &given.certs};
    struct change change = {0};
    bool done = false;

    if (args_has(cli->args, OPT_CA) || args_has(cli->args, OPT_DAYS)) {
        err_set(err, ERR_USAGE, _("\"--cert\" goes without --ca and --days"));
        goto out;
    }
    if (!server_pair_read(cli, &given, err) || !change_open(cli, cli->args->names[0], &change, err))
        goto out;
    intent.key_pem = given.key;
    intent.passphrase = given.passphrase;
    intent.roots = given.roots.n > 0 ? &given.roots : NULL;
    name_hosts(&change, &intent.hosts, &intent.n_hosts);
    done = change_apply(&change, plan_server_cert(&change.target, &intent, err), err);
out:
    change_close(&change);
    server_pair_clear(&given);
    return done;
}

bool run_server_tls(struct cli *cli, struct err *err)
{
    if (args_has(cli->args, OPT_CSR_OUT))
        return request(cli, err);
    if (args_has(cli->args, OPT_CERT))
        return existing(cli, err);
    if (args_has(cli->args, OPT_KEY) || args_has(cli->args, OPT_ROOT))
        return err_set(err, ERR_USAGE, _("\"--key\" and \"--root\" go with --cert"));
    return from_ours(cli, err);
}
