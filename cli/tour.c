/* tour.c - the frame of the journey, and its first and last steps. */
#include "config.h"

#include "cli/tour.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/demo_server.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* ---- step 1 ---- */

static void progress(void *arg, const char *line)
{
    const struct tour *tour = arg;

    output_detail(&tour->cli->out, "       %s", line);
}

static bool know_server(struct tour *tour, struct err *err)
{
    tour->cli->store = store_open(demo_store(tour->demo), STORE_CREATE, err);
    if (!tour->cli->store || !demo_add_server(tour->cli->store, tour->demo, err))
        return false;
    tour->server = server_load(tour->cli->store, DEMO_SERVER, err);
    if (!tour->server)
        return false;
    tour->admin = cli_connect(tour->cli, tour->server, NULL, err);
    if (!tour->admin)
        return false;
    tour->target = (struct plan_target){.store = tour->cli->store,
                                        .server = tour->server,
                                        .admin = tour->admin,
                                        .tls_host = tour->server->tls_host,
                                        .tls_port = tour->server->tls_port};
    return true;
}

static bool start_server(struct tour *tour)
{
    struct handshake seen = {0};
    struct err err = ERR_INIT;
    struct result *ssl;

    if (!know_server(tour, &err))
        return tour_error(tour, &err);
    tour_check(tour, true, _("PostgreSQL %d on " DEMO_HOST ":%d, data in %s"),
               conn_server_version(tour->admin) / 10000, demo_port(tour->demo),
               demo_folder(tour->demo));
    ssl = conn_exec(tour->admin, "SELECT pg_catalog.current_setting('ssl')", 0, NULL, &err);
    if (!ssl)
        return tour_error(tour, &err);
    tour_check(tour, text_equal(result_get(ssl, 0, 0), "off"), _("ssl = %s"),
               result_get(ssl, 0, 0));
    result_free(ssl);
    if (!tour_handshake(tour, NULL, NULL, &seen))
        return false;
    tour_check(tour, seen.verdict == HANDSHAKE_NO_TLS, "%s",
               seen.verdict == HANDSHAKE_NO_TLS ? _("a handshake is answered: no TLS")
                                                : _("a handshake passed although ssl = off"));
    handshake_clear(&seen);
    return true;
}

/* ---- step 2 ---- */

static bool make_ca(struct tour *tour)
{
    struct authority_spec spec = {.name = "Demo CA"};
    struct canary good = {0}, revoked = {0};
    struct serial serial;
    struct err err = ERR_INIT;
    struct crl *crl = NULL;
    bool done = false;

    tour->ca = authority_create(tour->cli->store, &spec, &err);
    if (!tour->ca)
        goto out;
    tour->ca_key = authority_unlock(tour->cli->store, tour->ca, NULL, &err);
    if (!tour->ca_key || !authority_canary(tour->cli->store, tour->ca, CANARY_GOOD, &good, &err) ||
        !authority_canary(tour->cli->store, tour->ca, CANARY_REVOKED, &revoked, &err))
        goto out;
    crl = authority_crl(tour->cli->store, tour->ca, &err);
    if (!crl)
        goto out;
    tour_check(tour, cert_is_ca(tour->ca->cert), _("CA \"%s\", key %s"), tour->ca->name,
               key_type_title(cert_key_type(tour->ca->cert)));
    serial = cert_serial(good.cert);
    tour_check(tour, !crl_has(crl, &serial) && cert_issued_by(good.cert, tour->ca->cert),
               _("a good canary: a certificate without a name, nobody logs in with it"));
    serial = cert_serial(revoked.cert);
    tour_check(tour, crl_has(crl, &serial) && crl_signed_by(crl, tour->ca->cert),
               _("CRL number %llu, signed; its one entry is the revoked canary"),
               (unsigned long long)tour->ca->crl.number);
    tour->root_file = fs_join(demo_folder(tour->demo), "root.crt");
    done = true;
out:
    crl_free(crl);
    canary_clear(&good);
    canary_clear(&revoked);
    return done || tour_error(tour, &err);
}

/* ---- step 4 ---- */

static bool issue_both(struct tour *tour)
{
    struct strbuf pem = STRBUF_INIT;
    struct err err = ERR_INIT;
    bool written = cert_to_pem(tour->ca->cert, &pem, &err) &&
                   fs_write_new(tour->root_file, pem.data, pem.len, FS_MODE_PUBLIC, &err);

    strbuf_clear(&pem);
    if (!written)
        return tour_error(tour, &err);
    return tour_issue(tour, tour->ca, tour->ca_key, "alice", "alice", &tour->alice) &&
           tour_issue(tour, tour->ca, tour->ca_key, "bob", "bob", &tour->bob);
}

/* ---- step 10 ---- */

static void stop_server(struct tour *tour, const char *keep)
{
    struct err err = ERR_INIT;
    char *folder = mem_strdup(demo_folder(tour->demo));
    int pid = demo_pid(tour->demo);
    bool nothing_left = false;

    conn_close(tour->admin);
    tour->admin = NULL;
    store_close(tour->cli->store);
    tour->cli->store = NULL;
    if (!demo_stop(tour->demo, &nothing_left, &err))
        tour_error(tour, &err);
    tour_check(tour, pid > 0 && kill(pid, 0) != 0 && errno == ESRCH,
               _("the server's process %d is gone"), pid);
    if (keep)
        tour_check(tour, fs_exists(folder), _("the folder %s is kept, as asked"), folder);
    else
        tour_check(tour, nothing_left && !fs_exists(folder), _("the folder %s is gone"), folder);
    free(folder);
}

/* ---- frame ---- */

static void kit_clear(struct tour_kit *kit)
{
    issued_free(kit->issued);
    free(kit->folder);
    free(kit->cert_file);
    free(kit->key_file);
}

static void begin_step(struct tour *tour, int n, int of, const char *title)
{
    output_line(&tour->cli->out, _("Step %d of %d: %s"), n, of, title);
    fflush(stdout);
    tour->saw = json_array();
}

static void end_step(struct tour *tour, int n, const char *title)
{
    json_array_append_new(tour->steps, json_pack("{s:i, s:o, s:o}", "n", n, "title",
                                                 json_string_or_empty(title), "saw", tour->saw));
    tour->saw = NULL;
}

static void run_steps(struct tour *tour, const char *keep)
{
    static const struct {
        const char *title;
        bool (*run)(struct tour *);
    } steps[] = {
        {N_("a private PostgreSQL, ssl = off"), start_server},
        {N_("a CA, its canaries, its first CRL"), make_ca},
        {N_("a server certificate; TLS on by reload"), tour_server_tls},
        {N_("client certificates for alice and bob"), issue_both},
        {N_("the CA given to the server, from a paste"), tour_trust},
        {N_("alice and bob get in with a certificate only"), tour_rules},
        {N_("bob revoked"), tour_revoke},
        {N_("a second CA generation, the old one retired"), tour_rotate},
        {N_("a change that fails is taken back"), tour_take_back},
    };
    const char *last = _("server stopped, nothing left");
    int of = (int)ARRAY_LEN(steps) + 1;
    bool go_on = true;

    for (int i = 0; i < of - 1 && go_on; i++) {
        const char *title = gettext(steps[i].title);

        begin_step(tour, i + 1, of, title);
        go_on = steps[i].run(tour);
        end_step(tour, i + 1, title);
    }
    begin_step(tour, of, of, last);
    stop_server(tour, keep);
    end_step(tour, of, last);
}

bool tour_run(struct cli *cli, const char *keep, struct err *err)
{
    struct tour tour = {.cli = cli};
    struct demo_options options = {.keep = keep, .progress = progress, .progress_arg = &tour};

    tour.demo = demo_start(&options, err);
    if (!tour.demo)
        return false;
    tour.steps = json_array();
    run_steps(&tour, keep);
    if (cli->out.json)
        output_json(json_pack("{s:O, s:i, s:i}", "steps", tour.steps, "passed", tour.passed,
                              "failed", tour.failed),
                    false);
    output_line(&cli->out, "%d passed, %d failed", tour.passed, tour.failed);
    if (tour.failed > 0)
        cli->exit = EXIT_FAILED;
    json_decref(tour.steps);
    kit_clear(&tour.alice);
    kit_clear(&tour.bob);
    kit_clear(&tour.alice2);
    key_free(tour.ca_key);
    key_free(tour.ca2_key);
    authority_free(tour.ca);
    authority_free(tour.ca2);
    server_free(tour.server);
    free(tour.root_file);
    demo_free(tour.demo);
    return true;
}
