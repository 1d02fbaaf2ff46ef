/* simulate.c - every session and role against two texts of rules. */
#include "config.h"

#include "core/pg/simulate.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/files_sql.h"
#include "core/pg/simulate_judge.h"

#define IDENT_MAX ((size_t)4 << 20)
/* Of a change that touches more lines than these, roles are tried with the first ones. */
#define CHANGED_MAX 64

const char *simulate_outcome_name(enum simulate_outcome outcome)
{
    switch (outcome) {
    case SIMULATE_ALLOWED:
        return "allowed";
    case SIMULATE_REFUSED:
        return "refused";
    case SIMULATE_UNSURE:
        break;
    }
    return "unsure";
}

/* ---- who is there ---- */

/* What may not be read stays unknown: maps are then judged as "unsure". */
static bool read_ident(struct conn *conn, const char *path, struct simulate_who *who,
                       struct err *err)
{
    struct strbuf bytes = STRBUF_INIT;
    struct err why = ERR_INIT;

    if (!path || !*path)
        return true;
    if (sql_read(conn, path, IDENT_MAX, &bytes, &why)) {
        ident_parse(bytes.data, bytes.len, who->server_version, &who->ident);
        who->ident_read = true;
    }
    strbuf_clear(&bytes);
    if (conn_state(conn) == CONN_FAILED) {
        *err = why;
        return false;
    }
    return true;
}

bool simulate_read(struct conn *conn, const char *ident_file, struct simulate_who *ret,
                   struct err *err)
{
    struct simulate_who who = {.server_version = conn_server_version(conn)};

    if (!sessions_read(conn, &who.sessions, err) || !roles_list(conn, &who.roles, err) ||
        !read_ident(conn, ident_file, &who, err)) {
        simulate_who_clear(&who);
        return false;
    }
    who.certs = mem_array(who.roles.n + 1, sizeof(who.certs[0]));
    for (size_t i = 0; i < who.roles.n; i++)
        who.certs[i] = SIMULATE_CERTS_UNKNOWN;
    *ret = who;
    return true;
}

void simulate_who_clear(struct simulate_who *who)
{
    for (size_t i = 0; i < who->n_seen; i++) {
        struct simulate_seen *seen = &who->seen[i];

        free(seen->role);
        free(seen->database);
        free(seen->address);
        free(seen->application);
        free(seen->dn);
    }
    free(who->seen);
    sessions_clear(&who->sessions);
    role_list_clear(&who->roles);
    ident_clear(&who->ident);
    ident_clear(&who->ident_wanted);
    free(who->certs);
    *who = (struct simulate_who){.server_version = 0};
}

void simulate_want_ident(struct simulate_who *who, const void *bytes, size_t len)
{
    ident_clear(&who->ident_wanted);
    ident_parse(bytes, len, who->server_version, &who->ident_wanted);
    who->ident_changes = true;
}

/* ---- clients ---- */

static void take_role(const struct simulate_who *who, const char *role, struct judge_client *ret)
{
    const struct role_row *row = role_list_get(&who->roles, role);

    ret->client.role = role;
    ret->certs = SIMULATE_CERTS_UNKNOWN;
    if (!row)
        return;
    ret->client.member_of = (const char *const *)row->member_of;
    ret->client.n_member_of = row->n_member_of;
    ret->certs = who->certs ? who->certs[row - who->roles.rows] : SIMULATE_CERTS_UNKNOWN;
}

static struct judge_client client_of(const struct simulate_who *who, const char *role,
                                     const char *database, const char *address,
                                     enum session_class class, const char *dn)
{
    struct judge_client ret = {.is_session = true};

    take_role(who, role, &ret);
    ret.client.database = database;
    ret.client.address = class == SESSION_SOCKET ? NULL : address;
    ret.client.tls = class == SESSION_TLS_CERT || class == SESSION_TLS;
    ret.client.gss = class == SESSION_GSS;
    ret.client.replication = database[0] == '\0'; /* physical replication has no database */
    if (class == SESSION_TLS_CERT)
        judge_take_dn(&ret, dn);
    return ret;
}

static struct judge_client client_of_session(const struct simulate_who *who,
                                             const struct session *session)
{
    return client_of(who, session->role, session->database, session->address, session->class,
                     session->client_dn);
}

/* ---- one side ---- */

struct side {
    const struct hba *hba;
    const struct ident *ident; /* NULL: not known */
    struct hba_matcher *matcher;
    int bad_line; /* the file is not loaded because of it; 0: none */
};

static struct side side_of(const struct hba *hba, const struct ident *ident)
{
    struct side side = {.hba = hba, .ident = ident, .matcher = hba_matcher_new(hba)};

    for (size_t i = 0; i < hba->n && side.bad_line == 0; i++) {
        if (hba->lines[i].kind == HBA_BAD)
            side.bad_line = hba->lines[i].number;
    }
    return side;
}

static const struct hba_line *first_line(const struct side *side, const struct judge_client *client,
                                         bool *ret_sure)
{
    int at = hba_matcher_first(side->matcher, &client->client, ret_sure);

    return at < 0 ? NULL : &side->hba->lines[at];
}

static struct simulate_side judge_side(const struct side *side, const struct judge_client *client,
                                       const struct hba_line *line, bool sure,
                                       const struct hba_line *before, struct strbuf *why)
{
    struct simulate_side ret = {.method = ""};

    if (line)
        ret.line = line->number;
    if (line && line->kind == HBA_RULE)
        ret.method = line->rule.method;
    if (side->bad_line) {
        strbuf_printf(why, _("line %d cannot be read, so the file is not loaded"), side->bad_line);
        ret.outcome = SIMULATE_UNSURE;
        return ret;
    }
    ret.outcome = judge(side->ident, client, line, sure, before, why);
    return ret;
}

static void judge_row(const struct side *present, const struct side *wanted,
                      const struct judge_client *client, struct simulate_row *row)
{
    struct strbuf why_now = STRBUF_INIT;
    struct strbuf why = STRBUF_INIT;
    bool sure_now, sure_then;
    const struct hba_line *now = first_line(present, client, &sure_now);
    const struct hba_line *then = first_line(wanted, client, &sure_then);

    row->now = judge_side(present, client, now, sure_now, now, &why_now);
    row->then = judge_side(wanted, client, then, sure_then, now, &why);
    row->why = strbuf_steal(&why);
    strbuf_clear(&why_now);
}

static void count_row(struct simulation *simulation, const struct simulate_row *row)
{
    if (row->last_seen != 0)
        simulation->n_seen_refused +=
            row->then.outcome == SIMULATE_REFUSED && row->now.outcome != SIMULATE_REFUSED;
    else if (row->then.outcome == SIMULATE_UNSURE)
        simulation->n_unsure++;
    else if (row->then.outcome == SIMULATE_REFUSED && row->now.outcome == SIMULATE_REFUSED)
        simulation->n_already++;
    else if (row->then.outcome == SIMULATE_REFUSED)
        simulation->n_refused++;
}

static struct simulate_row *add_row(struct simulation *simulation)
{
    simulation->rows =
        mem_realloc_array(simulation->rows, simulation->n + 1, sizeof(simulation->rows[0]));
    return &simulation->rows[simulation->n++];
}

static void add_sessions(const struct simulate_who *who, const struct side *present,
                         const struct side *wanted, struct simulation *ret)
{
    for (size_t i = 0; i < who->sessions.n; i++) {
        const struct session *session = &who->sessions.rows[i];
        struct simulate_row *row;
        struct judge_client client;

        if (session->class == SESSION_HIDDEN) {
            ret->hidden++;
            continue;
        }
        row = add_row(ret);
        *row = (struct simulate_row){.is_session = true,
                                     .own = session->own,
                                     .pid = session->pid,
                                     .role = session->role,
                                     .database = session->database,
                                     .address = session->address,
                                     .class = session->class};
        client = client_of_session(who, session);
        judge_row(present, wanted, &client, row);
        count_row(ret, row);
    }
}

/* A certificate that the store does not know has a name all the same. */
static struct judge_client client_of_seen(const struct simulate_who *who,
                                          const struct simulate_seen *seen)
{
    struct judge_client ret =
        client_of(who, seen->role, seen->database, seen->address, seen->class, seen->dn);

    if (seen->class == SESSION_TLS_CERT && seen->dn[0] == '\0')
        ret.cert = JUDGE_CERT_UNKNOWN;
    return ret;
}

static void add_seen(const struct simulate_who *who, const struct side *present,
                     const struct side *wanted, struct simulation *ret)
{
    for (size_t i = 0; i < who->n_seen; i++) {
        const struct simulate_seen *seen = &who->seen[i];
        struct judge_client client = client_of_seen(who, seen);
        struct simulate_row *row = add_row(ret);

        *row = (struct simulate_row){.is_session = true,
                                     .last_seen = seen->last_seen,
                                     .role = seen->role,
                                     .database = seen->database,
                                     .address = seen->address,
                                     .class = seen->class};
        judge_row(present, wanted, &client, row);
        count_row(ret, row);
    }
}

/* ---- roles without a session ---- */

static bool has_rule(const struct hba *hba, const struct hba_rule *rule)
{
    for (size_t i = 0; i < hba->n; i++) {
        if (hba->lines[i].kind == HBA_RULE && hba_rule_equal(&hba->lines[i].rule, rule))
            return true;
    }
    return false;
}

struct changed {
    const struct hba_line *lines[CHANGED_MAX];
    size_t n;
};

/* Lines of one file that the other has not, and that TCP can meet. */
static void add_changed(const struct hba *from, const struct hba *other, struct changed *ret)
{
    for (size_t i = 0; i < from->n && ret->n < ARRAY_LEN(ret->lines); i++) {
        const struct hba_line *line = &from->lines[i];

        if (line->kind == HBA_RULE && line->rule.type != HBA_LOCAL &&
            line->rule.type != HBA_HOSTNOSSL && !has_rule(other, &line->rule))
            ret->lines[ret->n++] = line;
    }
}

static char *address_of_rule(const struct hba_rule *rule)
{
    /* a mask of its own is rare: its first address stands for the range */
    return mem_strdup(rule->address ? rule->address : "all");
}

static const char *database_of_rule(const struct hba_rule *rule)
{
    const char *name = rule->databases[0];
    bool quoted = rule->databases_quoted && rule->databases_quoted[0];
    bool keyword = !quoted && (strcmp(name, "all") == 0 || strcmp(name, "sameuser") == 0 ||
                               strcmp(name, "samerole") == 0 || strcmp(name, "samegroup") == 0 ||
                               name[0] == '@');

    return keyword || name[0] == '/' ? NULL : name;
}

static bool is_connected(const struct simulate_who *who, const char *role)
{
    for (size_t i = 0; i < who->sessions.n; i++) {
        if (text_equal(who->sessions.rows[i].role, role))
            return true;
    }
    return false;
}

/* The worst that a changed line does to this role; false: none fits it, or nothing changes. */
static bool try_role(const struct simulate_who *who, const struct side *present,
                     const struct side *wanted, const struct changed *changed, const char *role,
                     struct simulate_row *ret)
{
    bool found = false;

    for (size_t i = 0; i < changed->n; i++) {
        const struct hba_rule *rule = &changed->lines[i]->rule;
        char *address = address_of_rule(rule);
        struct judge_client client = {.is_session = false};
        struct simulate_row row = {.role = role, .database = "", .address = ""};

        take_role(who, role, &client);
        client.client.database = database_of_rule(rule);
        client.client.replication = text_equal(client.client.database, "replication");
        client.client.address = address;
        client.client.tls = true;
        if (hba_fits(changed->lines[i], &client.client) == HBA_FIT_NO) {
            free(address);
            continue;
        }
        judge_row(present, wanted, &client, &row);
        free(address);
        if (row.then.outcome != SIMULATE_ALLOWED && row.now.outcome == SIMULATE_ALLOWED &&
            (!found || row.then.outcome == SIMULATE_REFUSED)) {
            if (found)
                free(ret->why);
            *ret = row;
            found = true;
        } else {
            free(row.why);
        }
    }
    return found;
}

static void add_roles(const struct simulate_who *who, const struct side *present,
                      const struct side *wanted, struct simulation *ret)
{
    struct changed changed = {.n = 0};

    add_changed(wanted->hba, present->hba, &changed);
    add_changed(present->hba, wanted->hba, &changed);
    for (size_t i = 0; i < who->roles.n && changed.n > 0; i++) {
        const struct role_row *role = &who->roles.rows[i];
        struct simulate_row row;

        if (!role->can_login || is_connected(who, role->name) ||
            !try_role(who, present, wanted, &changed, role->name, &row))
            continue;
        *add_row(ret) = row;
        count_row(ret, &row);
    }
}

static int64_t micros(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void simulate(const struct simulate_who *who, const void *present, size_t present_len,
              const void *wanted, size_t wanted_len, struct simulation *ret)
{
    int64_t start = micros();
    struct side now, then;

    *ret = (struct simulation){.n = 0};
    hba_parse(present, present_len, who->server_version, &ret->present);
    hba_parse(wanted ? wanted : present, wanted ? wanted_len : present_len, who->server_version,
              &ret->wanted);
    now = side_of(&ret->present, who->ident_read ? &who->ident : NULL);
    then = side_of(&ret->wanted, who->ident_changes ? &who->ident_wanted : now.ident);
    add_sessions(who, &now, &then, ret);
    add_seen(who, &now, &then, ret);
    if (wanted)
        add_roles(who, &now, &then, ret);
    hba_matcher_free(now.matcher);
    hba_matcher_free(then.matcher);
    ret->took_us = micros() - start;
}

void simulation_clear(struct simulation *simulation)
{
    for (size_t i = 0; i < simulation->n; i++)
        free(simulation->rows[i].why);
    free(simulation->rows);
    hba_clear(&simulation->present);
    hba_clear(&simulation->wanted);
    *simulation = (struct simulation){.n = 0};
}

/* ---- the walk ---- */

static const char *miss_text(enum hba_miss miss, const struct hba_line *line)
{
    switch (miss) {
    case HBA_MISS_NONE:
        return "";
    case HBA_MISS_NO_RULE:
        return _("cannot be read: the file is not loaded");
    case HBA_MISS_TYPE:
        switch (line->rule.type) {
        case HBA_LOCAL:
            return _("is for Unix sockets");
        case HBA_HOST:
            return _("is for TCP");
        case HBA_HOSTSSL:
            return _("is for TLS");
        case HBA_HOSTNOSSL:
            return _("is for TCP without TLS");
        case HBA_HOSTGSSENC:
            return _("is for GSSAPI encryption");
        case HBA_HOSTNOGSSENC:
            return _("is for TCP without GSSAPI encryption");
        }
        return "";
    case HBA_MISS_DATABASE:
        return _("is for another database");
    case HBA_MISS_ROLE:
        return _("is for another role");
    case HBA_MISS_ADDRESS:
        return _("is for another address");
    }
    return "";
}

/* The row's strings are its own. */
static const struct simulate_seen *seen_of(const struct simulate_who *who,
                                           const struct simulate_row *row)
{
    for (size_t i = 0; i < who->n_seen; i++) {
        if (who->seen[i].role == row->role)
            return &who->seen[i];
    }
    return NULL;
}

static const struct session *session_of(const struct simulate_who *who,
                                        const struct simulate_row *row)
{
    for (size_t i = 0; i < who->sessions.n; i++) {
        if (who->sessions.rows[i].pid == row->pid)
            return &who->sessions.rows[i];
    }
    return NULL;
}

void simulate_walk(const struct simulate_who *who, const struct simulate_row *row,
                   const struct hba *hba, struct simulate_walk *ret)
{
    const struct simulate_seen *seen = row->last_seen != 0 ? seen_of(who, row) : NULL;
    const struct session *session = row->is_session && !seen ? session_of(who, row) : NULL;
    struct judge_client client = {.is_session = false};

    *ret = (struct simulate_walk){.n = 0};
    if (session) {
        client = client_of_session(who, session);
    } else if (seen) {
        client = client_of_seen(who, seen);
    } else {
        take_role(who, row->role, &client);
        client.client.address = "all";
        client.client.tls = true;
    }
    for (size_t i = 0; i < hba->n; i++) {
        const struct hba_line *line = &hba->lines[i];
        enum hba_miss miss;
        enum hba_fit fit = hba_fits_why(line, &client.client, &miss);
        struct strbuf text = STRBUF_INIT;
        size_t len = line->raw_len;

        if (line->kind == HBA_BLANK)
            continue;
        while (len > 0 && (line->raw[len - 1] == '\n' || line->raw[len - 1] == '\r'))
            len--;
        text_clean(&text, line->raw, len, TEXT_ONE_LINE);
        ret->steps = mem_realloc_array(ret->steps, ret->n + 1, sizeof(ret->steps[0]));
        ret->steps[ret->n++] =
            (struct simulate_step){.line = line->number,
                                   .text = strbuf_steal(&text),
                                   .fit = fit,
                                   .why = fit == HBA_FIT_MAYBE ? _("may fit: cannot be told here")
                                                               : miss_text(miss, line)};
        if (fit != HBA_FIT_NO)
            break;
    }
}

void simulate_walk_clear(struct simulate_walk *walk)
{
    for (size_t i = 0; i < walk->n; i++)
        free(walk->steps[i].text);
    free(walk->steps);
    *walk = (struct simulate_walk){.n = 0};
}
