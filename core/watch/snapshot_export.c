/* snapshot_export.c - a snapshot as JSON and as CSV. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/watch/snapshot.h"

static json_t *text_json(const char *text)
{
    return text && text[0] ? json_string(text) : json_null(); /* clean already */
}

static json_t *time_json(int64_t when)
{
    char text[CLOCK_TEXT_MAX];

    return when ? json_string(clock_format_rfc3339(text, when)) : json_null();
}

static const char *state_of(const struct session_certificate *certificate, int64_t now)
{
    if (certificate->revoked_at != 0)
        return issued_state_name(ISSUED_REVOKED);
    if (certificate->not_after <= now)
        return issued_state_name(ISSUED_EXPIRED);
    if (certificate->not_after - now < FINDING_SOON_DAYS * CLOCK_DAY)
        return issued_state_name(ISSUED_EXPIRING);
    return issued_state_name(ISSUED_VALID);
}

static json_t *certificate_json(const struct session_certificate *certificate, int64_t now)
{
    if (!certificate || !certificate->known)
        return json_null();
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "serial", certificate->serial_hex, "ca",
                     certificate->authority, "role", certificate->role, "state",
                     state_of(certificate, now), "not_after", time_json(certificate->not_after),
                     "newer_ca", text_json(certificate->newer_ca));
}

static json_t *findings_json(unsigned findings)
{
    json_t *list = json_array();
    size_t n;
    const struct finding_info *table = finding_table(&n);

    for (size_t i = 0; i < n; i++)
        if (findings & (unsigned)table[i].finding)
            json_array_append_new(list, json_string(table[i].name));
    return list;
}

static json_t *row_json(const struct snapshot *snapshot, size_t i)
{
    const struct session *s = &snapshot->sessions->rows[i];
    bool tls = s->class == SESSION_TLS || s->class == SESSION_TLS_CERT;
    json_t *row = json_object();

    json_object_set_new(row, "pid", json_integer(s->pid));
    json_object_set_new(row, "class", json_string(session_class_name(s->class)));
    json_object_set_new(row, "database", text_json(s->database));
    json_object_set_new(row, "role", text_json(s->role));
    json_object_set_new(row, "client_addr", text_json(s->address));
    json_object_set_new(row, "application_name", text_json(s->application));
    json_object_set_new(row, "backend_type", text_json(s->backend_type));
    json_object_set_new(row, "backend_start", time_json(s->backend_start));
    json_object_set_new(row, "state", text_json(s->state));
    json_object_set_new(row, "workers", json_integer(s->workers));
    json_object_set_new(row, "own", json_boolean(s->own));
    json_object_set_new(row, "ssl", s->class == SESSION_HIDDEN ? json_null() : json_boolean(tls));
    json_object_set_new(row, "version", text_json(s->version));
    json_object_set_new(row, "cipher", text_json(s->cipher));
    json_object_set_new(row, "bits", s->bits > 0 ? json_integer(s->bits) : json_null());
    json_object_set_new(row, "client_dn", text_json(s->client_dn));
    json_object_set_new(row, "client_serial", text_json(s->client_serial));
    json_object_set_new(row, "issuer_dn", text_json(s->issuer_dn));
    json_object_set_new(row, "certificate",
                        certificate_json(session_book_find(snapshot->book, s), snapshot->now));
    json_object_set_new(row, "findings", findings_json(snapshot->findings[i]));
    return row;
}

static json_t *totals_json(const struct snapshot *snapshot)
{
    struct snapshot_totals totals = {0};
    unsigned *findings = calloc(snapshot->sessions->n + 1, sizeof(*findings));
    json_t *json;

    if (!findings)
        return json_null();
    snapshot_judge(snapshot, findings, &totals);
    free(findings);
    json = json_object();
    json_object_set_new(json, "all", json_integer((json_int_t)totals.all));
    json_object_set_new(json, "tls", json_integer((json_int_t)totals.tls));
    json_object_set_new(json, "with_cert", json_integer((json_int_t)totals.with_certificate));
    json_object_set_new(json, "clear", json_integer((json_int_t)totals.clear));
    json_object_set_new(json, "gss", json_integer((json_int_t)totals.gss));
    json_object_set_new(json, "socket", json_integer((json_int_t)totals.socket));
    json_object_set_new(json, "workers", json_integer((json_int_t)totals.workers));
    json_object_set_new(json, "system",
                        json_integer((json_int_t)snapshot_with(&totals, FINDING_SYSTEM)));
    json_object_set_new(json, "findings", json_integer((json_int_t)totals.need_look));
    return json;
}

json_t *snapshot_json(const struct snapshot *snapshot, snapshot_choose *choose, const void *arg)
{
    const struct sessions *sessions = snapshot->sessions;
    json_t *list = json_array();
    json_t *json = json_object();

    for (size_t i = 0; i < sessions->n; i++)
        if (!choose || choose(arg, i))
            json_array_append_new(list, row_json(snapshot, i));
    json_object_set_new(json, "server", json_string(snapshot->server));
    json_object_set_new(json, "taken_at", time_json(sessions->taken_at));
    json_object_set_new(json, "query_ms", json_integer((json_int_t)sessions->query_ms));
    json_object_set_new(json, "hidden", json_integer(sessions->hidden));
    json_object_set_new(json, "sessions", list);
    json_object_set_new(json, "totals", totals_json(snapshot));
    return json;
}

void snapshot_json_text(const struct snapshot *snapshot, snapshot_choose *choose, const void *arg,
                        struct strbuf *out)
{
    json_t *body = snapshot_json(snapshot, choose, arg);
    json_t *json = json_pack("{s:i}", "v", 1);
    char *text;

    json_object_update(json, body);
    text = json_dumps(json, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    if (text) {
        strbuf_add_str(out, text);
        strbuf_add_char(out, '\n');
    }
    free(text);
    json_decref(body);
    json_decref(json);
}

/* ---- CSV ---- */

void snapshot_csv_header(struct strbuf *out)
{
    strbuf_add_str(out, "server,taken_at,pid,class,database,role,client_addr,application_name,"
                        "backend_type,backend_start,state,workers,version,cipher,client_dn,"
                        "client_serial,issuer_dn,certificate_serial,ca,not_after,findings\r\n");
}

static void cell(struct strbuf *out, const char *text)
{
    if (!text_quote_csv(out, text ? text : ""))
        strbuf_add_str(out, "\"\"");
    strbuf_add_char(out, ',');
}

static void time_cell(struct strbuf *out, int64_t when)
{
    char text[CLOCK_TEXT_MAX];

    cell(out, when ? clock_format_rfc3339(text, when) : "");
}

void snapshot_csv(const struct snapshot *snapshot, snapshot_choose *choose, const void *arg,
                  struct strbuf *out)
{
    const struct sessions *sessions = snapshot->sessions;

    for (size_t i = 0; i < sessions->n; i++) {
        const struct session *s = &sessions->rows[i];
        const struct session_certificate *certificate = session_book_find(snapshot->book, s);
        bool known = certificate && certificate->known;

        if (choose && !choose(arg, i))
            continue;
        cell(out, snapshot->server);
        time_cell(out, sessions->taken_at);
        strbuf_printf(out, "%d,", s->pid);
        cell(out, session_class_name(s->class));
        cell(out, s->database);
        cell(out, s->role);
        cell(out, s->address);
        cell(out, s->application);
        cell(out, s->backend_type);
        time_cell(out, s->backend_start);
        cell(out, s->state);
        strbuf_printf(out, "%d,", s->workers);
        cell(out, s->version);
        cell(out, s->cipher);
        cell(out, s->client_dn);
        cell(out, s->client_serial);
        cell(out, s->issuer_dn);
        cell(out, known ? certificate->serial_hex : "");
        cell(out, known ? certificate->authority : "");
        time_cell(out, known ? certificate->not_after : 0);
        finding_names(snapshot->findings[i], " ", out);
        strbuf_add_str(out, "\r\n");
    }
}
