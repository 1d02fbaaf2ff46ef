/* answers.c - fuzz target: any bytes as a wizard's answers. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "tui/answers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read, written again and read again, is the same. */
static void again(const struct answers *answers)
{
    struct strbuf text = STRBUF_INIT;
    struct answers second;
    struct err err = ERR_INIT;

    answers_add_head(&text);
    for (size_t i = 0; i < answers->n; i++) {
        answers_add_part(&text, answers->parts[i].page);
        for (size_t k = 0; k < answers->parts[i].n; k++)
            answers_add(&text, answers->parts[i].list[k].label, answers->parts[i].list[k].value);
    }
    if (text.len <= ANSWERS_MAX) { /* the head may make it longer than what was read */
        if (!answers_parse(text.data, text.len, &second, &err) || second.n != answers->n)
            abort();
        for (size_t i = 0; i < answers->n; i++) {
            if (second.parts[i].n != answers->parts[i].n)
                abort();
            for (size_t k = 0; k < second.parts[i].n; k++) {
                if (strcmp(second.parts[i].list[k].label, answers->parts[i].list[k].label) != 0 ||
                    strcmp(second.parts[i].list[k].value, answers->parts[i].list[k].value) != 0)
                    abort();
            }
        }
        answers_clear(&second);
    }
    strbuf_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct answers answers;

    if (!answers_parse((const char *)data, size, &answers, &err)) {
        if ((err.code != ERR_ANSWERS && err.code != ERR_TOO_LARGE) || answers.n != 0 ||
            !text_is_clean(err.msg))
            abort();
        return 0;
    }
    for (size_t i = 0; i < answers.n; i++) {
        for (size_t k = 0; k < answers.parts[i].n; k++) {
            const struct answer *answer = &answers.parts[i].list[k];

            if (!answer->label[0] || !text_is_clean(answer->label) || !text_is_clean(answer->value))
                abort();
        }
    }
    again(&answers);
    answers_clear(&answers);
    return 0;
}
