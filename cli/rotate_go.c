/* rotate_go.c - "rotate next", "back", "finish": a rotation goes one phase on, or one back. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/ask.h"
#include "cli/ca.h"
#include "cli/change.h"
#include "cli/issue.h"
#include "cli/publish.h"
#include "cli/rotate.h"
#include "cli/server_tls.h"
#include "core/base/intl.h"
#include "core/base/mem.h"

#define COUNT_MAX 1000000
#define DAYS_MAX  36500

struct going {
    struct cli *cli;
    struct rotation *rotation;
    struct rotate_status status; /* as the store knows, before */
    struct rotate_request request;
    struct fleet_door door;
    struct change_report report;
    struct plan_watch plan_watch;
    struct fleet_watch watch;
    struct authority *old_ca, *new_ca;
    struct key *old_key, *new_key;
    struct secret *new_passphrase, *key_passphrase, *p12_passphrase;
    struct server_pair pair;
};

static void going_clear(struct going *going)
{
    rotate_status_clear(&going->status);
    key_free(going->old_key);
    key_free(going->new_key);
    secret_free(going->new_passphrase);
    secret_free(going->key_passphrase);
    secret_free(going->p12_passphrase);
    server_pair_clear(&going->pair);
    authority_free(going->old_ca);
    authority_free(going->new_ca);
    rotation_free(going->rotation);
}

/* ---- reports ---- */

static void its_turn(void *arg, const struct fleet_member *member)
{
    const struct going *self = arg;

    output_note(&self->cli->out, "-- %s", member->server->name);
}

static void its_end(void *arg, const struct fleet_member *member)
{
    const struct going *self = arg;

    if (member->err.code != ERR_NONE)
        output_note(&self->cli->out, "[xx] %s: PS-%04d %s", member->server->name,
                    (int)member->err.code, member->err.msg);
}

static json_t *servers_json(const struct rotate_outcome *outcome)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < outcome->n_servers; i++) {
        const struct rotate_server *server = &outcome->servers[i];

        json_array_append_new(
            rows,
            json_pack("{s:o, s:b, s:b, s:o}", "server", json_text(server->name), "reached",
                      server->reached, "done", server->done, "error",
                      server->err.code != ERR_NONE ? json_text(server->err.msg) : json_null()));
    }
    return rows;
}

static const char *key_of(const struct rotation *rotation, size_t phase)
{
    const struct rotate_phase *row = rotate_phase(rotation->kind, phase);

    return row != NULL ? row->key : "done";
}

static void print_outcome(const struct going *self, const struct rotate_outcome *outcome)
{
    const struct output *out = &self->cli->out;

    for (size_t i = 0; i < outcome->n_servers; i++) {
        const struct rotate_server *server = &outcome->servers[i];

        if (server->done)
            output_line(out, _("[ok] %s"), server->name);
        else
            output_line(out, _("[!!] %s: %s"), server->name,
                        server->err.code != ERR_NONE ? server->err.msg : _("not begun"));
    }
    if (outcome->made > 0)
        output_line(out, ngettext("made %zu certificate", "made %zu certificates", outcome->made),
                    outcome->made);
    for (size_t i = 0; i < outcome->n_files; i++)
        output_line(out, _("wrote %s"), outcome->files[i]);
    if (outcome->sessions_ended > 0)
        output_line(out,
                    ngettext("ended %zu session", "ended %zu sessions", outcome->sessions_ended),
                    outcome->sessions_ended);
    if (self->rotation->ended_at != 0)
        output_line(out,
                    self->rotation->given_up ? _("the rotation of \"%s\" is given up")
                                             : _("the rotation of \"%s\" is done"),
                    self->rotation->name);
    else if (outcome->from != outcome->to)
        output_line(out, _("phase %zu \"%s\": %s"), outcome->to + 1,
                    key_of(self->rotation, outcome->to),
                    _(rotate_phase(self->rotation->kind, outcome->to)->title));
}

static void report(const struct going *self, const struct rotate_outcome *outcome, bool good)
{
    const struct rotation *rotation = self->rotation;
    json_t *files;

    if (!self->cli->out.json) {
        print_outcome(self, outcome);
        return;
    }
    if (!good) /* the error's document says it */
        return;
    files = json_array();
    for (size_t i = 0; i < outcome->n_files; i++)
        json_array_append_new(files, json_text(outcome->files[i]));
    output_json(json_pack("{s:I, s:o, s:s, s:s, s:b, s:b, s:o, s:I, s:o, s:I}", "id",
                          (json_int_t)rotation->id, "name", json_text(rotation->name), "from",
                          key_of(rotation, outcome->from), "phase",
                          key_of(rotation, (size_t)rotation->phase), "ended",
                          rotation->ended_at != 0, "given_up", rotation->given_up, "servers",
                          servers_json(outcome), "made", (json_int_t)outcome->made, "files", files,
                          "sessions_ended", (json_int_t)outcome->sessions_ended),
                false);
}

/* ---- what the act needs ---- */

/* A server's certificate of another's CA: --key is its file then. */
static bool read_pair(struct going *self, struct err *err)
{
    if (!server_pair_read(self->cli, &self->pair, err))
        return false;
    self->request.server_certs = &self->pair.certs;
    self->request.server_key = self->pair.key;
    self->request.server_key_passphrase = self->pair.passphrase;
    return true;
}

static bool read_options(struct going *self, struct err *err)
{
    const struct args *args = self->cli->args;
    struct rotate_request *request = &self->request;
    const char *type = args_value(args, OPT_KEY);
    int64_t days = 0, refused = 0, left = 0;

    if (!args_int(args, OPT_DAYS, 1, DAYS_MAX, 0, &days, err) ||
        !args_int(args, OPT_ACCEPT_REFUSED, 0, COUNT_MAX, 0, &refused, err) ||
        !args_int(args, OPT_ACCEPT_LEFT, 0, COUNT_MAX, 0, &left, err) ||
        (args_has(args, OPT_CERT) ? !read_pair(self, err)
                                  : type && !key_type_parse(type, &request->key_type, err)) ||
        (args_has(args, OPT_FORMAT) &&
         !issue_parse_formats(args_value(args, OPT_FORMAT), &request->formats, err)) ||
        !cli_secret_file(self->cli, OPT_KEY_PASSPHRASE_FILE, &self->key_passphrase, err) ||
        !cli_secret_file(self->cli, OPT_P12_PASSPHRASE_FILE, &self->p12_passphrase, err))
        return false;
    request->days = (int)days;
    request->accepts_refused = args_has(args, OPT_ACCEPT_REFUSED);
    request->accept_refused = (size_t)refused;
    request->accept_left = (size_t)left;
    request->accept_gaps = args_has(args, OPT_ACCEPT_GAPS);
    request->end_sessions = args_has(args, OPT_END_SESSIONS);
    request->revoke = args_has(args, OPT_REVOKE);
    request->folder = args_value(args, OPT_OUT);
    request->archive = args_value(args, OPT_ARCHIVE);
    request->keep_key = !args_has(args, OPT_DESTROY);
    request->key_passphrase = self->key_passphrase;
    request->p12_passphrase = self->p12_passphrase;
    if (request->archive && args_has(args, OPT_DESTROY))
        return err_set(err, ERR_USAGE, _("\"--archive\" and \"--destroy\" exclude each other"));
    return true;
}

/* Another quiet time than it began with. */
static bool change_quiet(struct going *self, struct err *err)
{
    struct rotation *rotation = self->rotation;
    int64_t seconds = 0;
    char *detail;
    bool done;

    if (!rotate_quiet_option(self->cli, &seconds, err))
        return false;
    if (seconds == 0 || seconds == rotation->quiet_seconds ||
        args_has(self->cli->args, OPT_DRY_RUN))
        return true;
    rotation->quiet_seconds = seconds;
    detail = mem_printf("quiet time: %lld seconds", (long long)seconds);
    done = rotation_save(self->cli->store, rotation, detail, err);
    free(detail);
    return done;
}

static bool going_begin(struct going *self, struct cli *cli, struct err *err)
{
    *self = (struct going){.cli = cli, .report = {.output = &cli->out}};
    self->door = publish_door(cli);
    self->plan_watch = change_watch(&self->report);
    self->watch = (struct fleet_watch){
        .member = its_turn, .ended = its_end, .arg = self, .plan = &self->plan_watch};
    self->request = (struct rotate_request){.door = &self->door,
                                            .watch = &self->watch,
                                            .keep = PLAN_KEEP_WHEN_PROVEN,
                                            .keep_key = true};
    if (!read_options(self, err) || !cli_store(cli, STORE_WRITE, err))
        return false;
    self->rotation =
        rotation_find(cli->store, cli->args->n_names > 0 ? cli->args->names[0] : NULL, err);
    return self->rotation != NULL && change_quiet(self, err) &&
           rotate_look(cli->store, self->rotation, &self->request, false, &self->status, err);
}

static bool unlock(struct going *self, int64_t id, struct authority **ret_ca, struct key **ret,
                   struct err *err)
{
    *ret_ca = authority_load_id(self->cli->store, id, err);
    if (*ret_ca == NULL)
        return false;
    *ret = cli_unlock(self->cli, *ret_ca, err);
    return *ret != NULL;
}

static bool get_keys(struct going *self, struct err *err)
{
    const unsigned needs = self->status.needs;

    if ((needs & ROTATE_NEED_NEW_PASSPHRASE) &&
        !ca_new_passphrase(self->cli, OPT_PASSPHRASE_FILE, &self->new_passphrase, err))
        return false;
    if ((needs & ROTATE_NEED_OLD_KEY) && self->rotation->old_authority_id != 0 &&
        !unlock(self, self->rotation->old_authority_id, &self->old_ca, &self->old_key, err))
        return false;
    if ((needs & ROTATE_NEED_NEW_KEY) && self->rotation->new_authority_id != 0 &&
        !unlock(self, self->rotation->new_authority_id, &self->new_ca, &self->new_key, err))
        return false;
    self->request.new_passphrase = self->new_passphrase;
    self->request.old_key = self->old_key;
    self->request.new_key = self->new_key;
    return true;
}

static bool need_folder(struct going *self, struct err *err)
{
    const char *folder;

    return !(self->status.needs & ROTATE_NEED_FOLDER) ||
           args_need(self->cli->args, OPT_OUT, &folder, err);
}

static bool is_production(const struct going *self)
{
    for (size_t i = 0; i < self->status.n_servers; i++) {
        if (self->status.servers[i].production)
            return true;
    }
    return false;
}

/* An act that changes servers is asked for; with a production server among them by its name. */
static bool ask(struct going *self, const char *act, struct err *err)
{
    char question[400];

    if (!cli_may_change_servers(self->cli, err))
        return false;
    (void)snprintf(question, sizeof(question),
                   ngettext("Rotation of \"%s\" with %zu server: %s?",
                            "Rotation of \"%s\" with %zu servers: %s?",
                            (unsigned long)self->status.n_servers),
                   self->rotation->name, self->status.n_servers, act);
    return is_production(self) ? ask_name(self->cli, question, self->rotation->name, err)
                               : ask_yes(self->cli, question, err);
}

/* ---- the run ---- */

/* Some have it and some do not: that is not "nothing changed". */
static int exit_of(const struct rotate_outcome *outcome)
{
    size_t done = 0;

    for (size_t i = 0; i < outcome->n_servers; i++)
        done += outcome->servers[i].done;
    return done > 0 || outcome->made > 0 || outcome->from != outcome->to ? EXIT_LEFT : EXIT_FAILED;
}

static bool go(struct going *self,
               bool (*move)(struct store *, struct rotation *, const struct rotate_request *,
                            struct rotate_outcome *, struct err *),
               struct err *err)
{
    struct rotate_outcome outcome;
    bool done;

    change_hold_signals();
    done = move(self->cli->store, self->rotation, &self->request, &outcome, err);
    change_release_signals();
    if (!done)
        self->cli->exit = exit_of(&outcome);
    report(self, &outcome, done);
    rotate_outcome_clear(&outcome);
    return done;
}

static const char *act_of(const struct going *self)
{
    const struct rotate_phase *phase =
        rotate_phase(self->rotation->kind, (size_t)self->rotation->phase);

    return phase == NULL || phase->act[0] == '\0' ? _("look who is left") : _(phase->act);
}

bool run_rotate_next(struct cli *cli, struct err *err)
{
    struct going self;
    bool done = going_begin(&self, cli, err);

    if (done && (self.status.needs & ROTATE_NEED_NAME)) {
        char *name = rotate_shell_name(self.rotation);

        done = err_set(err, ERR_USAGE, _("the last phase of \"%s\" cannot be taken back"),
                       self.rotation->name);
        err_hint(err, _("\"pgseal rotate finish %s\" does it."), name);
        free(name);
    } else if (done && args_has(cli->args, OPT_DRY_RUN)) {
        done = rotate_show_ahead(cli, self.rotation, &self.request, false, act_of(&self), err);
    } else if (done) {
        done = need_folder(&self, err) && get_keys(&self, err) &&
               (!(self.status.needs & ROTATE_NEED_SERVERS) || ask(&self, act_of(&self), err)) &&
               go(&self, rotate_next, err);
    }
    going_clear(&self);
    return done;
}

bool run_rotate_back(struct cli *cli, struct err *err)
{
    struct going self;
    bool done = going_begin(&self, cli, err);
    const struct rotate_phase *phase =
        done ? rotate_phase(self.rotation->kind, (size_t)self.rotation->phase) : NULL;
    const char *act = phase != NULL && phase->back != NULL ? _(phase->back) : _("go back");

    if (done && args_has(cli->args, OPT_DRY_RUN))
        done = rotate_show_ahead(cli, self.rotation, &self.request, true, act, err);
    else
        done = done && ask(&self, act, err) && go(&self, rotate_back, err);
    going_clear(&self);
    return done;
}

bool run_rotate_finish(struct cli *cli, struct err *err)
{
    struct going self;
    bool done = going_begin(&self, cli, err);

    if (done && (size_t)self.rotation->phase + 1 < rotate_phase_count(self.rotation->kind)) {
        done = err_set(err, ERR_ROTATION_BLOCKED,
                       _("the rotation of \"%s\" is in phase \"%s\": that is not the last one"),
                       self.rotation->name, key_of(self.rotation, (size_t)self.rotation->phase));
        err_hint(err, _("\"pgseal rotate next\" comes first."));
    } else if (done && args_has(cli->args, OPT_DRY_RUN)) {
        done = rotate_show_ahead(cli, self.rotation, &self.request, false, act_of(&self), err);
    } else if (done) {
        char question[300];

        (void)snprintf(question, sizeof(question), _("The end of the rotation of \"%s\""),
                       self.rotation->name);
        done = get_keys(&self, err) &&
               (!(self.status.needs & ROTATE_NEED_NAME) ||
                ask_name(cli, question, self.rotation->name, err)) &&
               go(&self, rotate_next, err);
    }
    going_clear(&self);
    return done;
}
