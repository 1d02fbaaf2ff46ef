/* use_quiet.c - since when nobody uses it, and how well that was watched. */
#include "config.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/rotate/use_part.h"

#define GAP_LEAST SIGHTING_LOOK_JOIN
#define GAP_MOST  3600

int64_t use_gap_allowed(int64_t needed)
{
    int64_t tenth = needed / 10;

    return tenth < GAP_LEAST ? GAP_LEAST : tenth > GAP_MOST ? GAP_MOST : tenth;
}

void use_quiet_clear(struct use_quiet *quiet)
{
    free(quiet->worst_server);
    free(quiet->hidden_server);
    *quiet = (struct use_quiet){.safe = false};
}

static bool find_last_used(struct store *store, const struct server_list *servers,
                           const struct use_of *of, struct use_quiet *quiet, struct err *err)
{
    struct sighting_list seen = {.n = 0};
    struct use_match match;
    bool ok;

    if (!use_match_init(store, of, &match, err))
        return false;
    ok = use_sightings(store, servers, match.issuer, 0, &seen, err);
    for (size_t i = 0; ok && i < seen.n; i++) {
        bool is = false;

        ok = use_matches(&match, &seen.rows[i], &is, err);
        if (!is)
            continue;
        quiet->open += (int)seen.rows[i].open;
        if (seen.rows[i].last_seen > quiet->last_used)
            quiet->last_used = seen.rows[i].last_seen;
    }
    sighting_list_clear(&seen);
    use_match_clear(&match);
    return ok;
}

struct watching { /* over all servers */
    int64_t holds_from;
    bool any;
    bool now; /* each was looked at not long ago */
};

static void take_watch(struct use_quiet *quiet, const char *server, int64_t now,
                       const struct sighting_watch *watch, struct watching *watching)
{
    if (!watching->any || watch->last_at < quiet->looked_at)
        quiet->looked_at = watch->last_at;
    if (!watching->any || watch->longest_gap > quiet->longest_gap) {
        quiet->longest_gap = watch->longest_gap;
        quiet->gap_at = watch->gap_at;
        free(quiet->worst_server);
        quiet->worst_server = mem_strdup(server);
    }
    if (watch->hidden > quiet->hidden) {
        quiet->hidden = watch->hidden;
        free(quiet->hidden_server);
        quiet->hidden_server = mem_strdup(server);
    }
    if (watch->holds_from > watching->holds_from)
        watching->holds_from = watch->holds_from;
    watching->now &= watch->last_at > 0 && now - watch->last_at <= quiet->gap_allowed;
    watching->any = true;
}

/* No file yet: nobody ever looked. */
static bool read_watching(struct store *store, const struct server_list *servers, int64_t from,
                          int64_t now, struct use_quiet *quiet, struct watching *ret,
                          struct err *err)
{
    struct watching watching = {.holds_from = from, .now = true};
    struct err why = ERR_INIT;
    struct sightings *sightings = NULL;
    bool ok = true;

    if (servers->n > 0) {
        sightings = sightings_open(store_folder(store), false, &why);
        if (!sightings && why.code != ERR_NO_STORE) {
            *err = why;
            return false;
        }
    }
    for (size_t i = 0; ok && i < servers->n; i++) {
        struct sighting_watch watch = {
            .longest_gap = now - from, .gap_at = from, .holds_from = now};

        ok = !sightings || sightings_watch(sightings, servers->rows[i]->name, from, now,
                                           quiet->gap_allowed, &watch, err);
        if (ok)
            take_watch(quiet, servers->rows[i]->name, now, &watch, &watching);
    }
    sightings_close(sightings);
    *ret = watching;
    return ok;
}

bool use_quiet(struct store *store, const struct server_list *servers, const struct use_of *of,
               int64_t since, int64_t needed, struct use_quiet *ret, struct err *err)
{
    struct use_quiet quiet = {.needed = needed, .gap_allowed = use_gap_allowed(needed)};
    int64_t now = clock_now();
    struct watching watching;
    int64_t from;

    quiet.worst_server = mem_strdup("");
    quiet.hidden_server = mem_strdup("");
    if (!find_last_used(store, servers, of, &quiet, err))
        goto failed;
    from = quiet.last_used > since ? quiet.last_used : since;
    if (!read_watching(store, servers, from, now, &quiet, &watching, err))
        goto failed;
    if (quiet.open == 0) {
        quiet.quiet_since = watching.holds_from;
        quiet.safe = watching.now && quiet.hidden == 0 && now - quiet.quiet_since >= needed;
        quiet.but_gaps = !quiet.safe && quiet.hidden == 0 && now - from >= needed;
        if (watching.now && quiet.hidden == 0)
            quiet.safe_at = quiet.quiet_since + needed;
    }
    *ret = quiet;
    return true;
failed:
    use_quiet_clear(&quiet);
    return false;
}

/* ---- said ---- */

/* Two of a unit at least: a day and a half is 36 hours. Caller frees. */
static char *span(int64_t seconds)
{
    if (seconds >= 2 * CLOCK_DAY)
        return mem_printf(_("%lld days"), (long long)(seconds / CLOCK_DAY));
    if (seconds >= 2 * 3600)
        return mem_printf(_("%lld hours"), (long long)(seconds / 3600));
    if (seconds >= 2 * 60)
        return mem_printf(_("%lld minutes"), (long long)(seconds / 60));
    return mem_printf(ngettext("%lld second", "%lld seconds", (unsigned long)seconds),
                      (long long)seconds);
}

static void say_use(const struct use_quiet *quiet, struct strbuf *out)
{
    char when[CLOCK_TEXT_MAX];

    if (quiet->open > 0)
        strbuf_printf(out,
                      ngettext("%d session uses it still.", "%d sessions use it still.",
                               (unsigned long)quiet->open),
                      quiet->open);
    else if (quiet->last_used > 0)
        strbuf_printf(out, _("It was seen in use last on %s UTC."),
                      clock_format_minute(when, quiet->last_used));
    else
        strbuf_add_str(out, _("It was never seen in use."));
}

static void say_watching(const struct use_quiet *quiet, struct strbuf *out)
{
    char *gap = span(quiet->longest_gap);
    char *allowed = span(quiet->gap_allowed);
    char when[CLOCK_TEXT_MAX];

    if (quiet->hidden > 0)
        strbuf_printf(
            out,
            ngettext(" %d session on \"%s\" is hidden from pgseal's role there: nothing "
                     "can be said (it needs pg_read_all_stats).",
                     " %d sessions on \"%s\" are hidden from pgseal's role there: nothing "
                     "can be said (it needs pg_read_all_stats).",
                     (unsigned long)quiet->hidden),
            quiet->hidden, quiet->hidden_server);
    if (quiet->open == 0 && quiet->looked_at == 0)
        strbuf_printf(out, _(" Nobody ever looked at the sessions of a server: \"pgseal sessions "
                             "--record --watch\" does."));
    else if (quiet->open == 0 && quiet->longest_gap > quiet->gap_allowed)
        strbuf_printf(out,
                      _(" Nobody looked at \"%s\" for %s from %s UTC on: quiet time counts only "
                        "where the looks are %s apart at most."),
                      quiet->worst_server, gap, clock_format_minute(when, quiet->gap_at), allowed);
    else if (quiet->open == 0 && quiet->longest_gap > 0)
        strbuf_printf(out,
                      _(" A client that stayed for less than %s may have been missed between "
                        "two looks."),
                      gap);
    free(gap);
    free(allowed);
}

void use_quiet_say(const struct use_quiet *quiet, struct strbuf *out)
{
    char *needed = span(quiet->needed);
    char since[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];

    if (!quiet->worst_server || quiet->worst_server[0] == '\0') {
        strbuf_add_str(out, _("No server of the store is known to trust it."));
        free(needed);
        return;
    }
    say_use(quiet, out);
    say_watching(quiet, out);
    if (quiet->safe)
        strbuf_printf(out,
                      _(" Quiet since %s UTC, watched all the time: longer than the %s that "
                        "were asked for."),
                      clock_format_minute(since, quiet->quiet_since), needed);
    else if (quiet->safe_at > 0)
        strbuf_printf(out,
                      _(" Watched and quiet since %s UTC: the %s asked for end on %s "
                        "UTC, if it stays so."),
                      clock_format_minute(since, quiet->quiet_since), needed,
                      clock_format_minute(until, quiet->safe_at));
    free(needed);
}
