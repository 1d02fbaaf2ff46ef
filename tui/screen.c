#include "config.h"

#include "tui/screen.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "tui/frame.h"

static struct nav nav_of(enum nav_kind kind, struct screen *next)
{
    struct nav nav = {.kind = kind, .next = next};

    return nav;
}

struct nav nav_stay(void)
{
    return nav_of(NAV_STAY, NULL);
}

struct nav nav_pop(void)
{
    return nav_of(NAV_POP, NULL);
}

struct nav nav_push(struct screen *next)
{
    return nav_of(NAV_PUSH, next);
}

struct nav nav_replace(struct screen *next)
{
    return nav_of(NAV_REPLACE, next);
}

struct nav nav_home(void)
{
    return nav_of(NAV_HOME, NULL);
}

struct nav nav_quit(void)
{
    return nav_of(NAV_QUIT, NULL);
}

struct nav nav_unseen(void)
{
    return nav_of(NAV_UNSEEN, NULL);
}

struct nav nav_not_now(void)
{
    return nav_of(NAV_NOT_NOW, NULL);
}

struct nav nav_copy(const char *text)
{
    struct nav nav = {.kind = NAV_COPY, .text = mem_strdup(text)};

    return nav;
}

struct screen *screen_new(const struct screen_ops *ops, void *self)
{
    struct screen *screen = mem_zalloc(sizeof(*screen));

    screen->ops = ops;
    screen->self = self;
    return screen;
}

void screen_free(struct screen *screen)
{
    if (!screen)
        return;
    if (screen->ops->free)
        screen->ops->free(screen->self);
    free(screen);
}

void screen_frame(const struct screen *screen, struct frame *ret)
{
    *ret = (struct frame){.why = ""};
    screen->ops->frame(screen->self, ret);
}

void screen_draw(const struct screen *screen, struct canvas *canvas, bool brief)
{
    struct frame frame;

    screen_frame(screen, &frame);
    frame_draw(&frame, screen, canvas, brief);
    screen_frame(screen, &frame);
    frame_draw_edges(&frame, canvas);
}
