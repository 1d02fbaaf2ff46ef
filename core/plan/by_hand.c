/* by_hand.c - a plan as text to paste: for whoever may do what pgseal may not. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/hba.h"
#include "core/plan/step.h"

struct hand {
    const struct plan *plan;
    struct strbuf *out;
    int n; /* of the next thing to do */
};

static void begin(struct hand *hand, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void begin(struct hand *hand, const char *fmt, ...)
{
    struct strbuf dirty = STRBUF_INIT;
    va_list args;

    va_start(args, fmt);
    strbuf_vprintf(&dirty, fmt, args);
    va_end(args);
    strbuf_printf(hand->out, "\n%d. ", ++hand->n);
    text_clean(hand->out, dirty.data, dirty.len, TEXT_ONE_LINE);
    strbuf_add_char(hand->out, '\n');
    strbuf_clear(&dirty);
}

/* A line that can be copied. */
static void line(struct hand *hand, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void line(struct hand *hand, const char *fmt, ...)
{
    struct strbuf dirty = STRBUF_INIT;
    va_list args;

    va_start(args, fmt);
    strbuf_vprintf(&dirty, fmt, args);
    va_end(args);
    strbuf_add_str(hand->out, "   ");
    text_clean(hand->out, dirty.data, dirty.len, TEXT_ONE_LINE);
    strbuf_add_char(hand->out, '\n');
    strbuf_clear(&dirty);
}

/* A file's whole content, at the margin: an indented block of PEM is skipped without a word. */
static void content(struct hand *hand, const struct strbuf *bytes)
{
    strbuf_add(hand->out, bytes->data, bytes->len);
}

static char *shell(const char *text)
{
    struct strbuf quoted = STRBUF_INIT;

    if (!text_quote_shell(&quoted, text))
        strbuf_add_str(&quoted, "FILE");
    return strbuf_steal(&quoted);
}

/* ---- steps ---- */

/* Which setting names this file when the plan is done; "": none of the two. */
static const char *setting_of(const struct step *step)
{
    const char *slash = strrchr(step->file, '/');
    const char *name = slash ? slash + 1 : step->file;

    if (strncmp(name, "pgseal-ca-", 10) == 0)
        return "ssl_ca_file";
    return strncmp(name, "pgseal-crl-", 11) == 0 ? "ssl_crl_file" : "";
}

/* What the role may not read, and shall stay, comes first. False: nothing is there to stay. */
static bool append_to_present(struct hand *hand, const struct step *step, unsigned mode)
{
    const char *setting = setting_of(step);
    const char *present = *setting ? settings_value(&hand->plan->settings, setting) : "";
    char *path, *from, *to;

    if (!hand->plan->cas_stay || *present == '\0')
        return false;
    if (strcmp(hand->plan->target.server->provider, "self-managed") != 0) {
        begin(hand, _("Append this to what is in %s now, which stays:"), setting);
        return true;
    }
    path = plan_path(hand->plan, present);
    from = shell(path);
    to = shell(step->file);
    begin(hand,
          _("On the server, as its own user, begin the new file with a copy of the present one: "
            "what is in %s stays."),
          setting);
    line(hand, "(cat %s; echo) > %s", from, to);
    line(hand, "chmod %04o %s", mode, to);
    line(hand, "%s", _("Append this to it:"));
    free(path);
    free(from);
    free(to);
    return true;
}

static void do_file(struct hand *hand, const struct step *step)
{
    const char *copy_of = step_text(step, "copy_of");
    unsigned mode = (unsigned)json_integer_value(json_object_get(step->data, "mode"));

    if (*copy_of) { /* rules may hold secrets: they are not printed */
        char *from = shell(copy_of);

        begin(hand, _("Keep a copy of %s as it is, on the server:"), copy_of);
        line(hand, "cp -p %s %s.before", from, from);
        free(from);
        return;
    }
    if (!append_to_present(hand, step, mode))
        begin(hand,
              _("On the server, as its own user, make the file %s with mode %04o. Its content:"),
              step->file, mode);
    content(hand, &step->bytes);
}

/* Not in place: a session that reads half a list refuses its client. */
static void do_list(struct hand *hand, const struct step *step)
{
    begin(hand,
          _("On the server, as its own user, replace %s: a new file beside it, then mv. Its "
            "content:"),
          step->file);
    content(hand, &step->bytes);
}

static void do_key(struct hand *hand, const struct step *step)
{
    char *path = shell(step->file);

    if (hand->plan->n_hosts > 0) { /* from a CA of ours */
        begin(hand, _("On the server, as its own user, make its private key; it stays there:"));
        line(hand,
             "(umask 077; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 "
             "-out %s)",
             path);
        line(hand, "openssl req -new -key %s -subj / -out server.csr", path);
    } else {
        begin(hand,
              _("On the server, as its own user, put the private key into %s, mode 0600: it "
                "is not printed here."),
              step->file);
    }
    free(path);
}

static void do_server_cert(struct hand *hand, const struct step *step)
{
    begin(hand, _("Bring server.csr here, and sign it:"));
    strbuf_add_str(hand->out, "   pgseal issue server");
    for (size_t i = 0; i < hand->plan->n_hosts; i++) {
        char *host = shell(hand->plan->hosts[i]);

        strbuf_printf(hand->out, " %s", host);
        free(host);
    }
    strbuf_add_str(hand->out, " --csr server.csr --out server/\n");
    line(hand, _("then put the certificate into %s on the server, mode 0644"), step->file);
}

static void do_lines(struct hand *hand, const struct step *step)
{
    const char *lines = step_text(step, "lines");
    bool is_hba = strcmp(step->kind, "hba") == 0;
    bool unread = is_hba ? hand->plan->rules_unread : hand->plan->maps_unread;
    struct strbuf clean = STRBUF_INIT;

    if (unread && *lines)
        begin(hand, _("New lines for %s:"), step->file);
    else
        begin(hand, "%s", step->title);
    if (!*lines)
        return;
    if (unread)
        line(hand, is_hba ? _("Your role may not read the file. Put these lines above the first "
                              "line that begins with \"host\":")
                          : _("Your role may not read the file. Put these lines above all others "
                              "that are no comments:"));
    text_clean(&clean, lines, strlen(lines), TEXT_KEEP_NEWLINES);
    content(hand, &clean);
    strbuf_clear(&clean);
}

/* ALTER SYSTEM would succeed, and have no effect. */
static void do_override(struct hand *hand, const struct step *step)
{
    const char *name = step_text(step, "name");
    char *value = shell(step_text(step, "value"));

    begin(hand,
          _("\"%s\" was given on the server's command line. Where it is started (its service, "
            "pg_ctl -o, the container's arguments), give it this instead, and restart the server:"),
          name);
    line(hand, "-c %s=%s", name, value);
    free(value);
}

static void do_sql(struct hand *hand, const struct step *step)
{
    begin(hand, strcmp(step->kind, "reload") == 0
                    ? _("Have the server read its files again (no restart), in psql:")
                    : _("As a superuser, in psql:"));
    line(hand, "%s;", step->sql);
    if (strcmp(step->kind, "setting") == 0 && step_is(step, "set"))
        line(hand, _("or in postgresql.conf: %s = '%s'"), step_text(step, "name"),
             step_text(step, "value"));
}

/* Before the reload it can still be mended without anybody noticing. */
static void do_check(struct hand *hand, const char *view, const char *file)
{
    begin(hand, _("Before the reload, in psql: this must give no rows, else put the copy back:"));
    line(hand, "SELECT * FROM %s WHERE error IS NOT NULL%s;", view,
         strcmp(file, "hba") == 0 ? " OR type IS NULL" : "");
}

static void do_step(struct hand *hand, const struct step *step)
{
    const char *kind = step->kind;

    if (strcmp(kind, "hba_check") == 0)
        do_check(hand, "pg_hba_file_rules", "hba");
    else if (strcmp(kind, "ident_check") == 0 &&
             conn_server_version(hand->plan->target.admin) >= 150000)
        do_check(hand, "pg_ident_file_mappings", "ident");
    else if (step->mark == PLAN_SAME || step->mark == PLAN_LOOK)
        return;
    else if (strcmp(kind, "guard") == 0)
        begin(hand, _("Keep a superuser's session open until everything below is checked: it stays "
                      "in, whatever the rules say."));
    else if (strcmp(kind, "file") == 0)
        do_file(hand, step);
    else if (strcmp(kind, "crl") == 0)
        do_list(hand, step);
    else if (strcmp(kind, "key") == 0)
        do_key(hand, step);
    else if (strcmp(kind, "server_cert") == 0)
        do_server_cert(hand, step);
    else if (strcmp(kind, "hba") == 0 || strcmp(kind, "ident") == 0)
        do_lines(hand, step);
    else if (step_is(step, "overridden"))
        do_override(hand, step);
    else if (*step->sql)
        do_sql(hand, step);
}

/* ---- what to look at afterwards ---- */

static bool is_among(const char *name, const struct cert_list *cas)
{
    bool found = false;

    for (size_t i = 0; i < cas->n && !found; i++) {
        struct name *subject = cert_subject(cas->certs[i]);
        struct strbuf text = STRBUF_INIT;

        name_format_slash(subject, &text);
        found = strcmp(text.data, name) == 0;
        strbuf_clear(&text);
        name_free(subject);
    }
    return found;
}

/* CAs that the server names now, and that are not among these. */
static void list_others(struct hand *hand, const struct cert_list *cas)
{
    const struct handshake *before = &hand->plan->before;

    for (size_t i = 0; i < before->n_accepted_cas; i++) {
        if (!is_among(before->accepted_cas[i], cas))
            line(hand, "  %s", before->accepted_cas[i]);
    }
}

static void look_cas(struct hand *hand, const struct step *step)
{
    begin(hand, step->certs.n > 0 ? _("The server must name exactly these CAs:")
                                  : _("The server must ask for no certificate any more:"));
    line(hand, "pgseal server probe %s", hand->plan->target.server->name);
    for (size_t i = 0; i < step->certs.n; i++) { /* as the probe writes them */
        struct name *subject = cert_subject(step->certs.certs[i]);
        struct strbuf name = STRBUF_INIT;

        name_format_slash(subject, &name);
        line(hand, "  %s", name.data);
        strbuf_clear(&name);
        name_free(subject);
    }
    if (hand->plan->cas_stay)
        list_others(hand, &step->certs);
}

static void look_step(struct hand *hand, const struct step *step)
{
    const char *kind = step->kind;
    const struct plan_target *target = &hand->plan->target;

    if (strcmp(kind, "prove_cas") == 0) {
        look_cas(hand, step);
    } else if (strcmp(kind, "prove_canaries") == 0) {
        begin(hand, _("A client's certificate must get through, a revoked one must get alert 44:"));
        line(hand,
             "openssl s_client -starttls postgres -connect %s:%d -tls1_2 -cert CLIENT.crt -key "
             "CLIENT.key </dev/null",
             target->tls_host, target->tls_port);
    } else if (strcmp(kind, "prove_same_chain") == 0) {
        begin(hand,
              ngettext("The server's own chain must have %zu certificate, as before:",
                       "The server's own chain must have %zu certificates, as before:",
                       (unsigned long)hand->plan->before.chain.n),
              hand->plan->before.chain.n);
        line(hand, "pgseal server probe %s", target->server->name);
    } else if (strcmp(kind, "prove_server_cert") == 0 || strcmp(kind, "prove_shown_cert") == 0) {
        begin(hand, _("The server must show the new certificate:"));
        line(hand, "pgseal server probe %s", target->server->name);
    } else if (strcmp(kind, "prove_admin") == 0) {
        begin(hand,
              _("A new login of an administrator must get in. If not: put the copy or the old "
                "value back, and reload."));
    }
}

/* ---- the whole ---- */

bool plan_knows_cas(const struct plan *plan, const struct cert_list *cas)
{
    for (size_t i = 0; i < plan->before.n_accepted_cas; i++) {
        if (!is_among(plan->before.accepted_cas[i], cas))
            return false;
    }
    return true;
}

static const struct cert_list *wanted_cas(const struct plan *plan)
{
    for (size_t i = 0; i < plan->n; i++) {
        if (strcmp(plan->steps[i].kind, "prove_cas") == 0)
            return &plan->steps[i].certs;
    }
    return NULL;
}

/* What the server trusts and this text does not bring. */
static void warn_unread(struct hand *hand)
{
    const struct plan *plan = hand->plan;
    const struct cert_list *cas = wanted_cas(plan);

    if (!plan->cas_unread || !cas || cas->n == 0 || plan_knows_cas(plan, cas))
        return;
    strbuf_add_str(hand->out,
                   plan->cas_stay
                       ? _("\nYour role may not read ssl_ca_file. The server trusts these "
                           "CAs too, and they stay:\n")
                       : _("\nThe server trusts these CAs too, and they go: who has "
                           "certificates of them alone is\nlocked out:\n"));
    list_others(hand, cas);
}

static bool changes_rules(const struct plan *plan)
{
    for (size_t i = 0; i < plan->n; i++) {
        if (strcmp(plan->steps[i].kind, "hba") == 0)
            return true;
    }
    return false;
}

void plan_by_hand(const struct plan *plan, struct strbuf *out)
{
    struct hand hand = {.plan = plan, .out = out};
    struct strbuf title = STRBUF_INIT;

    text_clean(&title, plan->title, strlen(plan->title), TEXT_ONE_LINE);
    strbuf_printf(out, _("To do by hand: %s\n"), title.data);
    strbuf_clear(&title);
    if (plan_nothing_to_do(plan)) {
        strbuf_add_str(out, _("Nothing: it is so already.\n"));
        return;
    }
    strbuf_add_str(out,
                   _("pgseal has changed nothing. Blocks at the margin go into the files as they "
                     "are.\n"));
    if (strcmp(plan->target.server->provider, "self-managed") != 0)
        strbuf_add_str(out,
                       _("On a managed service the blocks of certificates and lists go into its "
                         "console instead of files.\n"));
    if (!*plan->settings.data_directory)
        strbuf_add_str(out,
                       _("DATA_DIRECTORY is what \"SHOW data_directory\" says to a superuser.\n"));
    if (plan->rules_unread && changes_rules(plan))
        strbuf_add_str(out,
                       _("Where pg_hba.conf and pg_ident.conf are say \"SHOW hba_file\" and \"SHOW "
                         "ident_file\".\n"));
    warn_unread(&hand);
    for (size_t i = 0; i < plan->n; i++)
        do_step(&hand, &plan->steps[i]);
    strbuf_add_str(out, _("\nAfterwards\n"));
    for (size_t i = 0; i < plan->n; i++) {
        if (plan->steps[i].mark == PLAN_LOOK)
            look_step(&hand, &plan->steps[i]);
    }
    begin(&hand, _("And the whole:"));
    line(&hand, "pgseal server check %s", plan->target.server->name);
}
