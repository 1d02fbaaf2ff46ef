/* fsck.c - "fsck": the store looked through, and mended. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"
#include "core/base/intl.h"
#include "core/store/fsck.h"

/* Only asked for with --repair. A passphrase that may not be asked leaves the list as it is. */
static struct key *unlock(void *arg, struct store *store, const struct authority *authority,
                          struct err *err)
{
    (void)store; /* the one of cli */
    return cli_unlock(arg, authority, err);
}

static void progress(void *arg, int64_t done, int64_t total)
{
    struct cli *cli = arg;

    if (!cli->out.quiet && !cli->out.json && !cli->out.plain && isatty(STDERR_FILENO) &&
        done % 4096 == 0)
        fprintf(stderr, "\r%lld / %lld ", (long long)done, (long long)total);
}

static void print_count(struct cli *cli, const struct fsck_list *list)
{
    size_t problems = fsck_count(list, FSCK_WARNING);
    struct strbuf line = STRBUF_INIT;

    strbuf_printf(&line, ngettext("looked at: %zu CA, ", "looked at: %zu CAs, ", list->authorities),
                  list->authorities);
    strbuf_printf(
        &line,
        ngettext("%lld certificate; ", "%lld certificates; ", (unsigned long)list->certificates),
        (long long)list->certificates);
    strbuf_printf(&line, ngettext("%zu problem", "%zu problems", problems), problems);
    output_line(&cli->out, "%s", line.data);
    strbuf_clear(&line);
}

static void print(struct cli *cli, const struct fsck_list *list)
{
    static const char *const marks[] = {"[..]", "[! ]", "[!!]"};

    for (size_t i = 0; i < list->n; i++) {
        const struct fsck_finding *finding = &list->rows[i];

        output_line(&cli->out, "%s %s: %s%s", finding->repaired ? "[ok]" : marks[finding->severity],
                    finding->object, finding->message,
                    finding->repaired     ? _(" (mended)")
                    : finding->repairable ? _(" (--repair mends it)")
                                          : "");
        if (*finding->help && !finding->repaired)
            output_line(&cli->out, "     %s", finding->help);
    }
    if (list->left_off > 0)
        output_line(&cli->out, _("and %zu more like these"), list->left_off);
    print_count(cli, list);
}

static void print_json(const struct fsck_list *list)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < list->n; i++) {
        const struct fsck_finding *finding = &list->rows[i];

        json_array_append_new(rows, json_pack("{s:s, s:o, s:o, s:o, s:b, s:b}", "severity",
                                              fsck_severity_name(finding->severity), "object",
                                              json_text(finding->object), "message",
                                              json_text(finding->message), "help",
                                              json_text(finding->help), "repairable",
                                              finding->repairable, "repaired", finding->repaired));
    }
    output_json(json_pack("{s:o, s:I, s:I, s:I, s:I}", "findings", rows, "authorities",
                          (json_int_t)list->authorities, "certificates",
                          (json_int_t)list->certificates, "problems",
                          (json_int_t)fsck_count(list, FSCK_WARNING), "left_off",
                          (json_int_t)list->left_off),
                false);
}

static bool look_through(struct cli *cli, struct fsck_list *list, struct err *err)
{
    struct fsck_options options = {.repair = args_has(cli->args, OPT_REPAIR) &&
                                             !args_has(cli->args, OPT_DRY_RUN),
                                   .unlock = unlock,
                                   .progress = progress,
                                   .arg = cli};
    char *folder = store_choose_folder(args_value(cli->args, OPT_STORE), err);

    if (!folder)
        return false;
    fsck_access(folder, &options, list);
    free(folder);
    if (!cli_store(cli, options.repair ? STORE_WRITE : STORE_READ, err)) {
        if (err->code == ERR_STORE && err->hint[0] == '\0')
            err_hint(err, _("Nothing can be read behind this. \"pgseal restore FILE --store DIR\" "
                            "makes a new store from a backup."));
        return false;
    }
    return fsck_run(cli->store, &options, list, err);
}

bool run_fsck(struct cli *cli, struct err *err)
{
    struct fsck_list list = {.n = 0};
    bool done = look_through(cli, &list, err);

    if (done && cli->out.json)
        print_json(&list);
    else if (!cli->out.json && (done || list.n > 0)) /* what was mended before it failed */
        print(cli, &list);
    if (done && fsck_count(&list, FSCK_WARNING) > 0)
        cli->exit = EXIT_FOUND;
    fsck_clear(&list);
    return done;
}
