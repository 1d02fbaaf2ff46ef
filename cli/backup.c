/* backup.c - "backup", "restore": the store in one file, and back. */
#include "config.h"

#include <stdlib.h>

#include "cli/command.h"
#include "cli/stop.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/backup.h"

static json_t *report_json(const struct backup_report *report, const char *name, const char *path)
{
    json_t *left_out = json_array();

    for (size_t i = 0; i < report->n_left_out; i++)
        json_array_append_new(left_out, json_string_or_empty(report->left_out[i]));
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:o}", name, json_string_or_empty(path), "made_at",
                     json_time(report->made_at), "authorities", (json_int_t)report->authorities,
                     "certificates", (json_int_t)report->certificates, "key_files",
                     (json_int_t)report->keys, "keys_missing", left_out);
}

static const struct backup_watch watch = {stop_asked, NULL};

/* A signal that came after the last step stops nothing any more. */
static void obey(struct cli *cli, bool done, const struct err *err)
{
    int status = stop_release();

    if (!done && err->code == ERR_CANCELLED)
        cli->exit = status;
}

/* what: taken. */
static void print_done(struct cli *cli, char *what, const struct backup_report *report)
{
    struct strbuf line = STRBUF_INIT;

    strbuf_printf(&line, "%s: ", what);
    strbuf_printf(&line, ngettext("%zu CA, ", "%zu CAs, ", report->authorities),
                  report->authorities);
    strbuf_printf(
        &line,
        ngettext("%lld certificate, ", "%lld certificates, ", (unsigned long)report->certificates),
        (long long)report->certificates);
    strbuf_printf(&line, ngettext("%zu key file", "%zu key files", report->keys), report->keys);
    output_line(&cli->out, "%s", line.data);
    strbuf_clear(&line);
    free(what);
}

bool run_backup(struct cli *cli, struct err *err)
{
    const char *path = cli->args->names[0];
    bool with_keys = !args_has(cli->args, OPT_WITHOUT_KEYS);
    struct backup_report report = {.n_left_out = 0};
    bool done;

    if (!cli_store(cli, STORE_READ, err))
        return false;
    if (args_has(cli->args, OPT_DRY_RUN)) {
        output_note(&cli->out, _("would copy the store \"%s\" into \"%s\""),
                    store_folder(cli->store), path);
        return true;
    }
    stop_hold();
    done = backup_write(cli->store, path, with_keys, &watch, &report, err);
    obey(cli, done, err);
    if (done && cli->out.json) {
        output_json(report_json(&report, "file", path), false);
    } else if (done) {
        print_done(cli, mem_printf(_("wrote \"%s\""), path), &report);
    }
    for (size_t i = 0; done && i < report.n_left_out; i++)
        output_warning(&cli->out,
                       _("the key of the CA \"%s\" is not in it: it has no passphrase (\"pgseal ca "
                         "passphrase\" gives it one), or is not here"),
                       report.left_out[i]);
    if (done && with_keys && report.keys > 0)
        output_note(&cli->out,
                    _("the CAs' keys in it are as locked as their passphrases are good"));
    backup_report_clear(&report);
    return done;
}

bool run_restore(struct cli *cli, struct err *err)
{
    const char *path = cli->args->names[0];
    struct backup_report report = {.n_left_out = 0};
    char *folder = store_choose_folder(args_value(cli->args, OPT_STORE), err);
    char date[CLOCK_TEXT_MAX];
    bool done;

    if (!folder)
        return false;
    if (args_has(cli->args, OPT_DRY_RUN)) {
        output_note(&cli->out, _("would make a store in \"%s\""), folder);
        free(folder);
        return true;
    }
    stop_hold();
    done = backup_restore(path, folder, &watch, &report, err);
    obey(cli, done, err);
    if (done && cli->out.json) {
        output_json(report_json(&report, "store", folder), false);
    } else if (done) {
        print_done(cli,
                   mem_printf(_("made a store in \"%s\" as it was on %s"), folder,
                              clock_format_minute(date, report.made_at)),
                   &report);
        output_note(&cli->out,
                    _("what was issued or revoked after that is not in it: \"pgseal server check\" "
                      "tells where a server has a later CRL, and \"pgseal crl import FILE\" takes "
                      "what that one says"));
    }
    for (size_t i = 0; done && i < report.n_left_out; i++)
        output_warning(&cli->out,
                       _("the key of the CA \"%s\" is not here: bring its file to keys/"),
                       report.left_out[i]);
    backup_report_clear(&report);
    free(folder);
    return done;
}
