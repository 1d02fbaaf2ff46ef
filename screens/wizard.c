/* wizard.c - the wizard as a whole. */
#include "config.h"

#include "screens/wizard.h"

#include "screens/pages.h"
#include "tui/nav.h"

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
    struct app *app = app_new(&options->app);
    struct navigator *navigator =
        navigator_new(&(struct navigator_options){.theme = options->theme, .words = words});
    struct start start = {app, options->start};
    int code = navigator_run(navigator, first_page, &start, err);

    navigator_free(navigator);
    app_free(app);
    return code;
}
