/* wizard.c - the wizard as a whole. */
#include "config.h"

#include "screens/wizard.h"

#include "screens/pages.h"
#include "tui/nav.h"
#include "tui/plain.h"

struct start {
    struct app *app;
    enum wizard_start where;
};

static struct screen *words(void *arg, const char *word)
{
    (void)arg;
    return page_words(word);
}

static struct screen *first_page(void *arg, struct loop *loop)
{
    struct start *start = arg;

    app_set_loop(start->app, loop);
    return start->where == WIZARD_SESSIONS ? page_sessions(start->app) : page_home(start->app);
}

int wizard_run(const struct wizard_options *options, struct err *err)
{
    struct replay *replay = NULL;
    struct navigator *navigator;
    struct start start = {NULL, options->start};
    int code;

    if (options->answers || options->save_answers) {
        replay = replay_new(options->save_answers, options->answers, err);
        if (!replay)
            return 0;
    }
    start.app = app_new(&options->app);
    navigator = navigator_new(
        &(struct navigator_options){.theme = options->theme, .words = words, .replay = replay});
    code = options->plain ? navigator_run_plain(navigator, first_page, &start, err)
                          : navigator_run(navigator, first_page, &start, err);
    (void)replay_failed(replay, err);
    if (options->ret_said)
        *options->ret_said = replay_say(replay);
    navigator_free(navigator);
    app_free(start.app);
    replay_free(replay);
    return code;
}
