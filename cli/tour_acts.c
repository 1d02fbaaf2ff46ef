/* tour_acts.c - what the tour's steps are made of: a look, a handshake, a change, a certificate. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/demo_server.h"
#include "cli/tour.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/kit/kit.h"

bool tour_check(struct tour *tour, bool ok, const char *fmt, ...)
{
    struct strbuf text = STRBUF_INIT;
    va_list args;

    va_start(args, fmt);
    strbuf_vprintf(&text, fmt, args);
    va_end(args);
    output_line(&tour->cli->out, "  %s %s", ok ? "[ok]" : "[xx]", text.data);
    fflush(stdout);
    json_array_append_new(
        tour->saw, json_pack("{s:b, s:o}", "ok", ok, "saw", json_string_or_empty(text.data)));
    tour->passed += ok;
    tour->failed += !ok;
    strbuf_clear(&text);
    return ok;
}

bool tour_error(struct tour *tour, const struct err *err)
{
    tour_check(tour, false, "PS-%04d: %s", (int)err->code, err->msg);
    output_line(&tour->cli->out, "       %s", err_cause_text(err));
    return false;
}

bool tour_handshake(struct tour *tour, const struct cert *root, const struct tour_kit *kit,
                    struct handshake *ret)
{
    struct handshake_request request = {.host = DEMO_HOST, .port = demo_port(tour->demo)};
    struct strbuf pem = STRBUF_INIT;
    struct cert_list roots;
    struct key *key = NULL;
    struct err err = ERR_INIT;
    bool done = false;

    cert_list_init(&roots);
    if (root) {
        cert_list_take(&roots, cert_dup(root));
        request.roots = &roots;
    }
    if (kit) {
        if (!fs_read(kit->key_file, PEM_SCAN_MAX, &pem, &err))
            goto out;
        key = key_from_pem(pem.data, pem.len, NULL, &err);
        if (!key)
            goto out;
        request.cert = kit->issued->cert;
        request.key = key;
    }
    done = handshake_run(&request, ret, &err);
out:
    strbuf_wipe(&pem);
    key_free(key);
    cert_list_clear(&roots);
    return done || tour_error(tour, &err);
}

static void saw_line(void *arg, const char *line)
{
    tour_check(arg, true, "%s", line);
}

bool tour_apply(struct tour *tour, struct plan *plan, struct err *err)
{
    struct plan_watch watch = {.saw = saw_line, .arg = tour};
    bool done = plan && plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &watch, err);

    plan_free(plan);
    return done;
}

bool tour_issue(struct tour *tour, const struct authority *ca, const struct key *ca_key,
                const char *role, const char *folder, struct tour_kit *ret)
{
    struct issue_spec spec = {.kind = ISSUED_CLIENT, .role = role};
    struct kit_spec kit = {.formats = KIT_PEM, .ca = ca->cert, .server_host = DEMO_HOST};
    struct kit_files files = {0};
    struct err err = ERR_INIT;
    struct key *key = key_generate(KEY_EC_P256, NULL, NULL, &err);
    char hex[SERIAL_HEX_MAX];
    struct stat st;
    bool done = false;

    spec.key = key;
    ret->folder = fs_join(demo_folder(tour->demo), folder);
    kit.folder = ret->folder;
    kit.key = key;
    kit.server_port = demo_port(tour->demo);
    if (key)
        ret->issued = issued_make(tour->cli->store, ca, ca_key, &spec, &err);
    kit.issued = ret->issued;
    if (!ret->issued || !kit_write(&kit, &files, &err) ||
        !issued_mark_delivered(tour->cli->store, ret->issued, &err))
        goto out;
    ret->cert_file = mem_strdup(files.certificate);
    ret->key_file = mem_strdup(files.key);
    done = tour_check(tour, stat(files.key, &st) == 0 && (st.st_mode & 07777) == FS_MODE_SECRET,
                      _("certificate for \"%s\" by \"%s\", serial %s; its key has mode 0600"), role,
                      ca->name, serial_format_hex(hex, &ret->issued->serial));
out:
    key_free(key);
    kit_files_clear(&files);
    return done || tour_error(tour, &err);
}
