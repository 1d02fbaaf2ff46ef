#include "config.h"

#include "tui/keybar.h"

#include "core/base/attr.h"
#include "core/base/intl.h"
#include "tui/utf8.h"

#define INDENT       1
#define GAP          2
#define BINDINGS_MAX 32

static int columns_of(const struct binding *binding)
{
    return GAP + utf8_columns(gettext(binding->keys)) + 1 + utf8_columns(gettext(binding->label));
}

/* The heaviest binding that was not taken yet; of equal ones the first. */
static const struct binding *heaviest(const struct binding *bindings, const bool *taken)
{
    const struct binding *best = NULL;

    for (int i = 0; bindings[i].keys && i < BINDINGS_MAX; i++) {
        if (!taken[i] && bindings[i].weight > (best ? best->weight : 0))
            best = &bindings[i];
    }
    return best;
}

void keybar_draw(struct canvas *canvas, int row, const struct binding *bindings)
{
    bool taken[BINDINGS_MAX] = {false};
    int room = canvas_columns(canvas) - INDENT + GAP, at = INDENT;
    const struct binding *next;

    while ((next = heaviest(bindings, taken)) && columns_of(next) <= room) {
        taken[next - bindings] = true;
        room -= columns_of(next);
    }
    for (int i = 0; bindings[i].keys && i < BINDINGS_MAX; i++) {
        if (!taken[i])
            continue;
        at = canvas_text(canvas, row, at, STYLE_KEY, gettext(bindings[i].keys));
        at = canvas_text(canvas, row, at + 1, STYLE_NORMAL, gettext(bindings[i].label)) + GAP;
    }
}
