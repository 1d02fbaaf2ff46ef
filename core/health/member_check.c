/* member_check.c - settings, CAs, CRLs, rules and maps of the members, side by side. */
#include "config.h"

#include "core/health/member_check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/settings.h"
#include "core/pg/tls_file.h"

#define FIRST_IDENT_VIEW  150000
#define FIRST_RULE_NUMBER 160000
#define NAMED_MAX         3

enum part { PART_CAS, PART_CRLS, PART_RULES, PART_MAPS, PARTS };

/* Texts that are equal on members that are alike. */
struct texts {
    bool seen; /* our role may look */
    char **rows;
    size_t n;
};

static const char *const same_settings[] = {"ssl",
                                            "ssl_min_protocol_version",
                                            "ssl_max_protocol_version",
                                            "ssl_ciphers",
                                            "ssl_groups",
                                            "ssl_ecdh_curve"};

struct member_look {
    char *name;
    bool standby;
    int timeline;
    char *values[ARRAY_LEN(same_settings)];
    struct texts parts[PARTS];
};

/* ---- looked at ---- */

static void take_text(struct texts *texts, char *text)
{
    texts->rows = mem_realloc_array(texts->rows, texts->n + 1, sizeof(*texts->rows));
    texts->rows[texts->n++] = text;
}

static bool look_rows(struct conn *admin, const char *sql, struct texts *texts, struct err *err)
{
    struct result *result = NULL;

    if (!tls_file_ask(admin, sql, 0, NULL, &result, err))
        return false;
    texts->seen = result != NULL;
    for (int i = 0; result && i < result_rows(result); i++)
        take_text(texts, mem_strdup(result_get(result, i, 0) ? result_get(result, i, 0) : ""));
    result_free(result);
    return true;
}

static bool look_rules(struct member_look *look, struct conn *admin, struct err *err)
{
#define RULES(order)                                                                               \
    "SELECT pg_catalog.concat_ws(' ', type, pg_catalog.array_to_string(database, ','),"            \
    " pg_catalog.array_to_string(user_name, ','), address, netmask, auth_method,"                  \
    " pg_catalog.array_to_string(options, ' ')) FROM pg_catalog.pg_hba_file_rules ORDER BY " order
    static const char maps[] = "SELECT pg_catalog.concat_ws(' ', map_name, sys_name, pg_username)"
                               " FROM pg_catalog.pg_ident_file_mappings ORDER BY line_number";
    bool numbered = conn_server_version(admin) >= FIRST_RULE_NUMBER;

    return look_rows(admin, numbered ? RULES("rule_number") : RULES("line_number"),
                     &look->parts[PART_RULES], err) &&
           (conn_server_version(admin) < FIRST_IDENT_VIEW ||
            look_rows(admin, maps, &look->parts[PART_MAPS], err));
#undef RULES
}

static bool look_file(struct member_look *look, struct conn *admin, const struct settings *settings,
                      bool is_ca, struct err *err)
{
    struct texts *texts = &look->parts[is_ca ? PART_CAS : PART_CRLS];
    struct tls_file file;

    if (!tls_file_read(admin, settings->data_directory,
                       settings_value(settings, is_ca ? "ssl_ca_file" : "ssl_crl_file"),
                       is_ca ? TLS_FILE_CA : TLS_FILE_CRL, &file, err))
        return false;
    texts->seen = file.state == TLS_FILE_UNSET || file.state == TLS_FILE_READ;
    for (size_t i = 0; i < file.certs.n && is_ca; i++) {
        struct strbuf text = STRBUF_INIT;
        char sha256[CERT_SHA256_HEX];

        cert_format_subject(file.certs.certs[i], &text);
        strbuf_printf(&text, " (SHA-256 %.12s...)", cert_sha256_hex(file.certs.certs[i], sha256));
        take_text(texts, strbuf_steal(&text));
    }
    for (size_t i = 0; i < file.n_crls && !is_ca; i++) {
        struct strbuf text = STRBUF_INIT;
        uint64_t number = 0;
        char date[CLOCK_TEXT_MAX];

        crl_format_issuer(file.crls[i], &text);
        if (crl_number(file.crls[i], &number))
            strbuf_printf(&text, _(" number %" PRIu64), number);
        strbuf_printf(&text, _(" of %s"), clock_format_minute(date, crl_this_update(file.crls[i])));
        take_text(texts, strbuf_steal(&text));
    }
    tls_file_clear(&file);
    return true;
}

static bool look_who(struct member_look *look, struct conn *admin, struct err *err)
{
    struct result *result =
        conn_exec(admin,
                  "SELECT pg_catalog.pg_is_in_recovery(),"
                  " (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint())",
                  0, NULL, err);

    if (!result)
        return false;
    look->standby = result_bool(result, 0, 0);
    look->timeline = (int)result_int(result, 0, 1, 0);
    result_free(result);
    return true;
}

struct member_look *member_look(const struct server *server, struct conn *admin, struct err *err)
{
    struct member_look *look = mem_zalloc(sizeof(*look));
    struct settings settings;
    bool good = false;

    look->name = mem_strdup(server->name);
    if (!settings_read(admin, &settings, err)) {
        member_look_free(look);
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(same_settings); i++)
        look->values[i] = mem_strdup(settings_value(&settings, same_settings[i]));
    good = look_who(look, admin, err) && look_rules(look, admin, err) &&
           look_file(look, admin, &settings, true, err) &&
           look_file(look, admin, &settings, false, err);
    settings_clear(&settings);
    if (good)
        return look;
    member_look_free(look);
    return NULL;
}

void member_look_free(struct member_look *look)
{
    if (!look)
        return;
    for (size_t i = 0; i < ARRAY_LEN(look->values); i++)
        free(look->values[i]);
    for (size_t k = 0; k < PARTS; k++) {
        for (size_t i = 0; i < look->parts[k].n; i++)
            free(look->parts[k].rows[i]);
        free(look->parts[k].rows);
    }
    free(look->name);
    free(look);
}

/* ---- compared ---- */

static bool has(const struct texts *texts, const char *text)
{
    for (size_t i = 0; i < texts->n; i++) {
        if (strcmp(texts->rows[i], text) == 0)
            return true;
    }
    return false;
}

/* The rows of one that the other has not, the first few by name; their number. */
static size_t list_missing(const struct texts *of, const struct texts *in, struct strbuf *out)
{
    size_t n = 0;

    for (size_t i = 0; i < of->n; i++) {
        if (has(in, of->rows[i]))
            continue;
        if (n < NAMED_MAX)
            strbuf_printf(out, "%s%s", n > 0 ? "; " : "", of->rows[i]);
        n++;
    }
    if (n > NAMED_MAX)
        strbuf_printf(out, _(" and %zu more"), n - NAMED_MAX);
    return n;
}

static bool is_same(const struct texts *a, const struct texts *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        if (strcmp(a->rows[i], b->rows[i]) != 0)
            return false;
    }
    return true;
}

static const struct {
    const char *lacks, *more, *order;
    enum finding_act act;
} words[PARTS] = {
    [PART_CAS] = {N_("does not trust a CA that \"%s\" trusts: %s"),
                  N_("trusts a CA that \"%s\" does not trust: %s"), NULL, ACT_TRUST},
    [PART_CRLS] = {N_("has not the CRL of \"%s\": %s"), N_("has a CRL that \"%s\" has not: %s"),
                   NULL, ACT_CRL},
    [PART_RULES] = {N_("has not the rule of \"%s\": %s"), N_("has a rule that \"%s\" has not: %s"),
                    N_("has the rules of \"%s\" in another order"), ACT_REQUIRE},
    [PART_MAPS] = {N_("has not the map of \"%s\": %s"), N_("has a map that \"%s\" has not: %s"),
                   N_("has the maps of \"%s\" in another order"), ACT_NONE},
};

static struct finding *differs(struct findings *findings, const struct member_look *look,
                               const char *fmt, const char *other, const char *what)
{
    struct strbuf text = STRBUF_INIT;
    struct finding *finding;
    const char *at = fmt;

    /* both formats of the table take the other's name and, some of them, a list */
    for (const char *next; (next = strstr(at, "%s")); at = next + 2) {
        strbuf_add(&text, at, (size_t)(next - at));
        strbuf_add_str(&text, other);
        other = what;
    }
    strbuf_add_str(&text, at);
    finding =
        finding_add(findings, FINDING_WARNING, ERR_MEMBERS_DIFFER, look->name, "%s", text.data);
    strbuf_clear(&text);
    return finding;
}

static size_t compare_part(const struct member_look *look, const struct member_look *with,
                           enum part part, struct findings *findings)
{
    const struct texts *here = &look->parts[part];
    const struct texts *there = &with->parts[part];
    struct strbuf text = STRBUF_INIT;
    size_t n = 0;

    if (!here->seen || !there->seen || is_same(here, there))
        return 0;
    if (list_missing(there, here, &text) > 0) {
        finding_mend(differs(findings, look, _(words[part].lacks), with->name, text.data),
                     words[part].act, "");
        n++;
    }
    strbuf_reset(&text);
    if (list_missing(here, there, &text) > 0) {
        differs(findings, look, _(words[part].more), with->name, text.data);
        n++;
    }
    if (n == 0 && words[part].order) {
        differs(findings, look, _(words[part].order), with->name, "");
        n++;
    }
    strbuf_clear(&text);
    return n;
}

static size_t compare(const struct member_look *look, const struct member_look *with,
                      struct findings *findings)
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(same_settings); i++) {
        if (strcmp(look->values[i], with->values[i]) == 0)
            continue;
        finding_add(findings, FINDING_WARNING, ERR_MEMBERS_DIFFER, look->name,
                    _("%s is \"%s\", on \"%s\" it is \"%s\""), same_settings[i], look->values[i],
                    with->name, with->values[i]);
        n++;
    }
    for (size_t part = 0; part < PARTS; part++)
        n += compare_part(look, with, (enum part)part, findings);
    return n;
}

/* Who of them takes writes: one, or a failover is under way or went wrong. */
static const struct member_look *find_primary(const struct server_list *members,
                                              struct member_look *const *looks,
                                              struct findings *findings)
{
    const struct member_look *primary = NULL;

    for (size_t i = 0; i < members->n; i++) {
        if (!looks[i] || looks[i]->standby)
            continue;
        if (primary)
            finding_cause(finding_add(findings, FINDING_ERROR, ERR_MEMBERS_DIFFER, looks[i]->name,
                                      _("takes writes (timeline %d), and so does \"%s\" "
                                        "(timeline %d)"),
                                      looks[i]->timeline, primary->name, primary->timeline),
                          _("A standby was promoted, and the old primary goes on."));
        if (!primary || looks[i]->timeline > primary->timeline)
            primary = looks[i];
    }
    return primary;
}

static bool add_missed(struct store *store, const struct server *server, bool reached,
                       struct findings *findings, struct err *err)
{
    struct server_missed_list missed = {NULL, 0};
    char since[CLOCK_TEXT_MAX];

    if (!store || server->id == 0)
        return true;
    if (!server_list_missed(store, server, &missed, err))
        return false;
    for (size_t i = 0; i < missed.n; i++)
        finding_add(findings, FINDING_WARNING, ERR_MEMBER_MISSED, server->name,
                    reached ? _("was away at %s and has not got: %s")
                            : _("is not reached; since %s it has not got: %s"),
                    clock_format_minute(since, missed.rows[i].since), missed.rows[i].what);
    server_missed_list_clear(&missed);
    return true;
}

bool members_compare(struct store *store, const struct server_list *members,
                     struct member_look *const *looks, struct findings *findings, struct err *err)
{
    const struct member_look *with = find_primary(members, looks, findings);

    for (size_t i = 0; i < members->n && !with; i++)
        with = looks[i];
    for (size_t i = 0; i < members->n; i++) {
        bool differs_somewhere =
            looks[i] && looks[i] != with && compare(looks[i], with, findings) > 0;

        if ((!looks[i] || differs_somewhere) &&
            !add_missed(store, members->rows[i], looks[i] != NULL, findings, err))
            return false;
    }
    findings_sort(findings);
    return true;
}
