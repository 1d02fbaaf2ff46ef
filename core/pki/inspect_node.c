/* inspect_node.c - the tree that an inspection grows. */
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/inspect_part.h"

struct inspect_node *inspect_new(const char *text)
{
    struct inspect_node *node = mem_zalloc(sizeof(*node));

    node->label = mem_strdup("");
    node->text = mem_strdup(text);
    return node;
}

void inspect_free(struct inspect_node *node)
{
    if (!node)
        return;
    for (size_t i = 0; i < node->n; i++)
        inspect_free(
            node->children[i]); /* a few levels: the depth is this program's, not the input's */
    free(node->children);
    free(node->label);
    free(node->text);
    free(node);
}

void inspect_take(struct inspect_node *parent, struct inspect_node *child)
{
    parent->children =
        mem_realloc_array(parent->children, parent->n + 1, sizeof(*parent->children));
    parent->children[parent->n++] = child;
}

static struct inspect_node *add_clean(struct inspect_node *parent, const char *fmt, va_list args)
    PRINTF_LIKE(2, 0);

static struct inspect_node *add_clean(struct inspect_node *parent, const char *fmt, va_list args)
{
    struct inspect_node *node = inspect_new("");
    struct strbuf raw = STRBUF_INIT;
    struct strbuf clean = STRBUF_INIT;

    strbuf_vprintf(&raw, fmt, args);
    text_clean(&clean, raw.data, raw.len, TEXT_ONE_LINE);
    free(node->text);
    node->text = strbuf_steal(&clean);
    strbuf_clear(&raw);
    inspect_take(parent, node);
    return node;
}

struct inspect_node *inspect_add(struct inspect_node *parent, const char *label, const char *fmt,
                                 ...)
{
    struct inspect_node *node;
    va_list args;

    va_start(args, fmt);
    node = add_clean(parent, fmt, args);
    va_end(args);
    free(node->label);
    node->label = mem_strdup(label);
    return node;
}

void inspect_say(struct inspect_node *parent, enum inspect_mark mark, const char *fmt, ...)
{
    struct inspect_node *node;
    va_list args;

    va_start(args, fmt);
    node = add_clean(parent, fmt, args);
    va_end(args);
    node->mark = mark;
}

size_t inspect_count(const struct inspect_node *node, enum inspect_mark mark)
{
    size_t count = node->mark >= mark;

    for (size_t i = 0; i < node->n; i++)
        count += inspect_count(node->children[i], mark);
    return count;
}
