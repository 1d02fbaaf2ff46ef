/* batch.c - "issue batch": a certificate for each role of a list. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/change.h"
#include "cli/command.h"
#include "cli/issue.h"
#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/kit/batch.h"
#include "core/store/authority_request.h"

#define MAX_DAYS     36525
#define BAR_WIDTH    30
#define REPORT_EVERY 2000 /* ms, where it is no terminal */

struct job {
    struct cli *cli;
    struct batch_spec spec;
    struct batch_list list;
    struct authority *authority;
    struct authority_parents parents;
    struct cert_list roots; /* of the servers */
    struct key *key;
    struct secret *key_passphrase, *p12_passphrase;
    struct server *server;
    char *host;
    int64_t reported_ms;
    bool bar; /* stands on the line */
};

static void job_clear(struct job *job)
{
    server_free(job->server);
    free(job->host);
    secret_free(job->key_passphrase);
    secret_free(job->p12_passphrase);
    key_free(job->key);
    authority_parents_clear(&job->parents);
    cert_list_clear(&job->roots);
    authority_free(job->authority);
    batch_list_clear(&job->list);
}

/* Ctrl-C, SIGTERM, SIGHUP: held while it runs, looked for here. 0: none came. */
static int pending_signal(void)
{
    static const int asked[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t pending;

    if (sigpending(&pending) != 0)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(asked); i++)
        if (sigismember(&pending, asked[i]) == 1)
            return asked[i];
    return 0;
}

static bool stop_asked(void *arg)
{
    (void)arg;
    return pending_signal() != 0;
}

static void progress(void *arg, size_t done, size_t total)
{
    struct job *job = arg;
    int64_t now = clock_mono_ms();
    size_t filled = total > 0 ? done * BAR_WIDTH / total : BAR_WIDTH;
    char bar[BAR_WIDTH + 1];

    if (job->cli->out.quiet || (job->cli->out.json && !isatty(STDERR_FILENO)))
        return;
    if (!isatty(STDERR_FILENO) || job->cli->out.plain) {
        if (done < total && now - job->reported_ms < REPORT_EVERY)
            return;
        job->reported_ms = now;
        output_note(&job->cli->out, _("%zu of %zu"), done, total);
        return;
    }
    memset(bar, '.', sizeof(bar) - 1);
    memset(bar, '#', filled);
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r[%s] %zu / %zu", bar, done, total);
    if (done >= total)
        fputc('\n', stderr);
    fflush(stderr);
    job->bar = done < total;
}

static bool read_list(struct job *job, struct err *err)
{
    const char *path = job->cli->args->names[0];
    struct strbuf text = STRBUF_INIT;
    bool done = cli_read_input(path, BATCH_BYTES_MAX, &text, err) &&
                batch_parse(text.data, text.len, &job->list, err);

    strbuf_clear(&text);
    if (!done && err->code == ERR_BAD_VALUE)
        err_prefix(err, "\"%s\"", path);
    job->spec.list = &job->list;
    return done;
}

static bool read_flags(struct job *job, struct err *err)
{
    const struct args *args = job->cli->args;
    const char *type = args_value(args, OPT_KEY);
    int64_t days;

    if (!args_need(args, OPT_OUT, &job->spec.folder, err) ||
        !args_int(args, OPT_DAYS, 1, MAX_DAYS, 0, &days, err) ||
        (type && !key_type_parse(type, &job->spec.key_type, err)) ||
        !issue_parse_formats(args_value(args, OPT_FORMAT), &job->spec.formats, err) ||
        !cli_secret_file(job->cli, OPT_KEY_PASSPHRASE_FILE, &job->key_passphrase, err) ||
        !cli_secret_file(job->cli, OPT_P12_PASSPHRASE_FILE, &job->p12_passphrase, err))
        return false;
    if ((job->spec.formats & KIT_P12) && !job->p12_passphrase) {
        err_set(err, ERR_NEEDS_ANSWER, _("PKCS#12 files need a passphrase"));
        return err_hint(err, _("Give --p12-passphrase-file=FILE: all of them get the same one."));
    }
    job->spec.days = (int)days;
    job->spec.key_passphrase = job->key_passphrase;
    job->spec.p12_passphrase = job->p12_passphrase;
    return true;
}

static bool read_store(struct job *job, struct err *err)
{
    const struct args_values *names = &job->cli->args->options[OPT_SERVER];

    if (!cli_store(job->cli, STORE_WRITE, err))
        return false;
    job->authority = cli_authority(job->cli, err);
    if (!job->authority ||
        !authority_load_parents(job->cli->store, job->authority, &job->parents, err) ||
        !authority_server_roots(job->cli->store, &job->roots, err))
        return false;
    job->spec.authority = job->authority;
    job->spec.parents = &job->parents.certs;
    job->spec.roots = &job->roots;
    if (names->n == 0)
        return true;
    if (names->n > 1)
        return err_set(err, ERR_USAGE, "\"--server\" names one server here");
    job->server = cli_server(job->cli, names->items[0], err);
    if (!job->server || !cli_tls_address(job->server, &job->host, &job->spec.server_port, err))
        return false;
    job->spec.server_host = *job->host ? job->host : NULL;
    return true;
}

static void report(const struct job *job, const struct batch_result *result, bool dry_run)
{
    const struct output *out = &job->cli->out;
    char date[CLOCK_TEXT_MAX];

    if (result->cut > 0)
        output_warning(out,
                       ngettext("%zu certificate ends sooner than asked, with its CA on %s; "
                                "\"pgseal ca renew\" comes first",
                                "%zu certificates end sooner than asked, with their CA on %s; "
                                "\"pgseal ca renew\" comes first",
                                result->cut),
                       result->cut, clock_format_date(date, cert_not_after(job->authority->cert)));
    if (out->json) {
        output_json(json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:o}", "dry_run", dry_run, "made",
                              (json_int_t)result->made, "remade", (json_int_t)result->remade,
                              "present", (json_int_t)result->present, "ended",
                              (json_int_t)result->ended, "cut", (json_int_t)result->cut, "folder",
                              json_text(job->spec.folder)),
                    false);
        return;
    }
    output_line(out,
                dry_run ? _("would make %zu certificates in \"%s\"; %zu are there")
                        : _("made %zu certificates in \"%s\"; %zu were there"),
                result->made, job->spec.folder, result->present);
    if (result->remade > 0)
        output_note(out, _("%zu of them for ones that an earlier run recorded and never wrote"),
                    result->remade);
    if (result->ended > 0)
        output_warning(
            out,
            _("%zu of those that are there have ended or are revoked: move their folders "
              "away to have them made again"),
            result->ended);
}

static bool run(struct job *job, struct err *err)
{
    struct batch_result result;
    bool done;

    job->spec.cancelled = stop_asked;
    job->spec.progress = progress;
    job->spec.arg = job;
    change_hold_signals();
    done = batch_run(job->cli->store, &job->spec, &result, err);
    if (!done && err->code == ERR_CANCELLED)
        job->cli->exit = 128 + pending_signal();
    change_release_signals();
    if (job->bar)
        fputc('\n', stderr);
    if (done)
        report(job, &result, false);
    return done;
}

bool run_issue_batch(struct cli *cli, struct err *err)
{
    struct job job = {.cli = cli};
    struct batch_result result;
    bool done = read_flags(&job, err) && read_list(&job, err) && read_store(&job, err);

    if (done && args_has(cli->args, OPT_DRY_RUN)) {
        done = batch_check(cli->store, &job.spec, &result, err);
        if (done)
            report(&job, &result, true);
    } else if (done) {
        job.key = cli_unlock(cli, job.authority, err);
        job.spec.authority_key = job.key;
        done = job.key && run(&job, err);
    }
    job_clear(&job);
    return done;
}
