/* look.c - the common part of pages that look at the chosen server. */
#include "config.h"

#include "screens/look.h"

#include "screens/password_ask.h"

void look_init(struct look *look, struct app *app, void *page, const struct look_ops *ops,
               struct table *table)
{
    *look = (struct look){.app = app, .page = page, .ops = ops, .table = table};
}

void look_clear(struct look *look)
{
    password_ask_free(look->password);
    table_free(look->table);
}

void look_start(struct look *look, struct secret *password)
{
    if (look->job != NULL) {
        secret_free(password);
        return;
    }
    look->job = look->ops->start(look->page, password);
}

static void job_ended(struct look *look)
{
    bool asked = look->password != NULL;
    bool wants = look->ops->ended(look->page, look->job);

    look->job = NULL;
    password_ask_free(look->password);
    look->password = wants ? password_ask_new(look->app, asked) : NULL;
    table_refresh(look->table);
}

static struct nav password_event(struct look *look, const struct event *event)
{
    struct secret *password = NULL;

    switch (password_ask_event(look->password, event, &password)) {
    case PASSWORD_GIVEN:
        look_start(look, password);
        break;
    case PASSWORD_CANCELLED:
        return nav_pop();
    case PASSWORD_OPEN:
        break;
    }
    return nav_stay();
}

static struct nav key_event(struct look *look, uint32_t key)
{
    struct nav nav = nav_stay();

    if (table_takes_text(look->table)) {
        (void)table_key(look->table, key);
        return nav;
    }
    if (look->ops->key(look->page, key, &nav))
        return nav;
    switch (key) {
    case 'r':
    case KEY_CODE_F5:
        look_start(look, NULL);
        break;
    case 'q':
        return nav_quit();
    case KEY_CODE_ESC:
        if (table_key(look->table, key) == TABLE_IGNORED)
            return nav_pop();
        break;
    default:
        (void)table_key(look->table, key);
        break;
    }
    return nav;
}

struct nav look_event(struct look *look, const struct event *event)
{
    switch (event->type) {
    case EVENT_JOB:
        if (event->job == look->job)
            job_ended(look);
        break;
    case EVENT_KEY:
    case EVENT_PASTE:
        if (look->password != NULL)
            return password_event(look, event);
        if (event->type == EVENT_KEY)
            return key_event(look, event->key);
        table_paste(look->table, event->paste, event->paste_len);
        break;
    case EVENT_SHOWN:
    case EVENT_HIDDEN:
    case EVENT_RESIZE:
    case EVENT_JOB_PROGRESS:
    case EVENT_TIMER:
    case EVENT_WATCH:
    case EVENT_QUIT_ASKED:
    case EVENT_STOP:
        break;
    }
    return nav_stay();
}

bool look_draws(const struct look *look, struct canvas *body)
{
    if (look->password == NULL)
        return false;
    password_ask_draw(look->password, body);
    return true;
}

bool look_frames(const struct look *look, struct frame *ret)
{
    if (look->password == NULL) {
        ret->text_focus = table_takes_text(look->table);
        return false;
    }
    password_ask_frame(look->password, ret);
    return true;
}
