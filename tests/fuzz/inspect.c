/* inspect.c - fuzz target: any bytes as something to be shown. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/pki/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_node(const struct inspect_node *node, int depth)
{
    check(depth < 8 && text_is_clean(node->label) && text_is_clean(node->text));
    check(strstr(node->text, "PRIVATE KEY-----") == NULL);
    for (size_t i = 0; i < node->n; i++)
        check_node(node->children[i], depth + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct inspect_options options = {.now = 1795298142, .file_mode = 0644};
    struct inspect_node *tree = inspect_bytes(data, size, &options);

    check(tree->n > 0);
    check_node(tree, 0);
    check(inspect_count(tree, INSPECT_PLAIN) > 0);
    inspect_free(tree);
    return 0;
}
