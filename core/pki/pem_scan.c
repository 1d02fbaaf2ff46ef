/* pem_scan.c - a pasted text into blocks. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/pki/pem.h"
#include "core/pki/pem_kind.h"
#include "core/pki/pem_reader.h"

#define LABEL_SIZE   64
#define DASHES       5
#define SNIFF_BYTES  48 /* of base64 without its lines: enough to know a key */
#define OUTSIDE_ONLY (PEM_CLEANED_ONE_LINE | PEM_CLEANED_SPACES)

/* -- the BEGIN and END lines ------------------------------------------------------------------- */

struct marker {
    enum { MARKER_NONE, MARKER_BEGIN, MARKER_END } type;
    char label[LABEL_SIZE];
    bool exact; /* five plain dashes on both sides, nothing between them and the word */
    struct pem_reader before; /* bookmark before the first dash */
    struct pem_reader after;  /* behind the last one */
};

/* What stands between two markers, seen from outside of a block. */
struct between {
    bool text;
    bool line_text; /* on the marker's own line */
    bool line_space;
    bool line_quote;
};

/* Reads a run of dashes; *ret_plain counts '-', *ret_long is set by a typographic one. Leaves the
 * reader behind the run, *c is the character after it. */
static void read_dashes(struct pem_reader *reader, int *c, size_t *ret_plain, bool *ret_long)
{
    struct pem_reader before = *reader;

    while (*c == '-' || *c == PEM_CHAR_LONG_DASH) {
        *ret_plain += *c == '-';
        *ret_long = *ret_long || *c == PEM_CHAR_LONG_DASH;
        before = *reader;
        *c = pem_reader_next(reader);
    }
    *reader = before;
}

static bool read_word(struct pem_reader *reader, const char *word)
{
    struct pem_reader ahead = *reader;

    for (; *word; word++) {
        if (pem_reader_next(&ahead) != *word)
            return false;
    }
    *reader = ahead;
    return true;
}

/* The label with its trailing spaces; *c is the character behind it. */
static size_t read_label(struct pem_reader *reader, char label[LABEL_SIZE], int *c)
{
    struct pem_reader before = *reader;
    size_t len = 0;

    for (*c = pem_reader_next(reader); len < LABEL_SIZE - 1; *c = pem_reader_next(reader)) {
        if (!((*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == ' ' || *c == '#'))
            break;
        label[len++] = (char)*c;
        before = *reader;
    }
    *reader = before;
    label[len] = '\0';
    return len;
}

/* With the reader behind the opening dashes: is this a marker? The reader moves only if so. */
static bool read_marker(struct pem_reader *reader, bool exact, struct marker *marker)
{
    struct pem_reader ahead = *reader;
    struct pem_reader closing;
    bool spaced = read_word(&ahead, " ");
    size_t plain = 0;
    bool is_long = false;
    size_t len;
    int c;

    marker->type = MARKER_NONE;
    if (read_word(&ahead, "BEGIN "))
        marker->type = MARKER_BEGIN;
    else if (read_word(&ahead, "END "))
        marker->type = MARKER_END;
    else
        return false;
    len = read_label(&ahead, marker->label, &c);
    for (; len > 0 && marker->label[len - 1] == ' '; spaced = true)
        marker->label[--len] = '\0';
    /* a line that lost its last dashes is one still; prose that goes on behind the word is not */
    if (len == 0 || (c != '-' && c != PEM_CHAR_LONG_DASH && c != '\n' && c != PEM_CHAR_END &&
                     !strstr(marker->label, "PRIVATE")))
        return false;
    closing = ahead;
    c = pem_reader_next(&closing);
    read_dashes(&closing, &c, &plain, &is_long);
    marker->after = plain > 0 || is_long ? closing : ahead;
    marker->exact = exact && !spaced && plain == DASHES && !is_long;
    *reader = marker->after;
    return true;
}

/* Goes to the next marker; false at the end of the text. */
static bool find_marker(struct pem_reader *reader, struct between *between, struct marker *marker)
{
    struct pem_reader before = *reader;

    memset(between, 0, sizeof(*between));
    for (int c = pem_reader_next(reader); c != PEM_CHAR_END; c = pem_reader_next(reader)) {
        if (c == '-' || c == PEM_CHAR_LONG_DASH) {
            size_t plain = 0;
            bool is_long = false;

            marker->before = before;
            read_dashes(reader, &c, &plain, &is_long);
            if ((plain >= 2 || is_long) && read_marker(reader, plain == DASHES && !is_long, marker))
                return true;
            between->text = between->line_text = true;
        } else if (c == '\n') {
            between->line_text = between->line_space = between->line_quote = false;
        } else if (c == ' ') {
            between->line_space = true;
        } else if (c == '>' || c == '|') {
            between->line_quote = true;
        } else {
            between->text = between->line_text = true;
        }
        before = *reader;
    }
    return false;
}

static unsigned marker_cleaned(const struct marker *marker)
{
    return marker->exact ? 0 : PEM_CLEANED_DASHES;
}

static unsigned between_cleaned(const struct between *between)
{
    unsigned cleaned = between->text ? PEM_CLEANED_TEXT : 0;

    if (between->line_text)
        return cleaned;
    if (between->line_quote)
        return cleaned | PEM_CLEANED_QUOTES;
    return between->line_space ? cleaned | PEM_CLEANED_INDENT : cleaned;
}

/* -- the body ---------------------------------------------------------------------------------- */

struct base64 {
    uint8_t *out; /* borrowed */
    size_t capacity;
    size_t len;
    uint32_t bits;
    unsigned n;   /* characters in bits */
    unsigned pad; /* '=' seen */
};

static int base64_value(int c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool base64_push(struct base64 *decoder, int c)
{
    int value = base64_value(c);

    if (c == '=' && decoder->n >= 2 && decoder->pad < 2)
        decoder->pad++;
    else if (value < 0 || decoder->pad > 0)
        return false;
    decoder->bits = decoder->bits << 6 | (value < 0 ? 0 : (uint32_t)value);
    if (++decoder->n < 4)
        return true;
    for (unsigned i = 0; i < 3 - decoder->pad; i++) {
        if (decoder->len == decoder->capacity)
            return false;
        decoder->out[decoder->len++] = (uint8_t)(decoder->bits >> (16 - 8 * i));
    }
    decoder->n = 0;
    decoder->bits = 0;
    return true;
}

struct line {  /* of a body, while it is read */
    bool used; /* has characters of base64; the BEGIN line counts as used */
    bool space;
    bool quote;
    bool first; /* the BEGIN line itself */
};

static unsigned line_prefix_cleaned(const struct line *line)
{
    return (line->quote ? PEM_CLEANED_QUOTES : line->space ? PEM_CLEANED_INDENT : 0u);
}

/* Decodes what stands between the bookmarks. */
static bool decode_body(const struct pem_reader *from, const struct pem_reader *to,
                        struct base64 *decoder, unsigned *cleaned)
{
    struct pem_reader reader = *from;
    struct line line = {.used = true, .first = true};

    reader.end = to->at;
    reader.cleaned = 0;
    for (int c = pem_reader_next(&reader); c != PEM_CHAR_END; c = pem_reader_next(&reader)) {
        if (c == '\n') {
            *cleaned |= line.used ? 0u : PEM_CLEANED_BLANK_LINES;
            line = (struct line){.used = false};
            continue;
        }
        if (c == ' ') {
            line.space = true;
            continue;
        }
        if ((c == '>' || c == '|') && !line.used) {
            line.quote = true;
            continue;
        }
        if (line.first || (line.used && line.space))
            *cleaned |= PEM_CLEANED_ONE_LINE;
        else if (!line.used)
            *cleaned |= line_prefix_cleaned(&line);
        line = (struct line){.used = true, .first = line.first};
        if (!base64_push(decoder, c))
            return false;
    }
    *cleaned |= reader.cleaned;
    /* the END line: on the line of the body, or behind spaces or quotes of its own */
    *cleaned |= line.used ? PEM_CLEANED_ONE_LINE : line_prefix_cleaned(&line);
    return decoder->n == 0 && decoder->len > 0;
}

/* -- blocks ------------------------------------------------------------------------------------ */

static void note_problem(struct pem *pem, enum pem_problem problem)
{
    if (pem->problem == PEM_FINE)
        pem->problem = problem;
}

static struct pem_block *add_block(struct pem *pem, enum pem_kind kind)
{
    struct pem_block *block;

    if ((pem->n & (pem->n - 1)) == 0) /* full at each power of two */
        pem->blocks = mem_realloc_array(pem->blocks, pem->n > 0 ? pem->n * 2 : 1, sizeof(*block));
    block = &pem->blocks[pem->n++];
    block->kind = kind;
    strbuf_init(&block->der);
    if (pem_kind_is_key(kind))
        pem->has_private_key = true;
    return block;
}

static bool body_says_encrypted(const struct pem_reader *from, const struct pem_reader *to)
{
    static const char word[] = "ENCRYPTED";
    struct pem_reader reader = *from;
    size_t matched = 0;

    reader.end = to->at;
    for (int c = pem_reader_next(&reader); c != PEM_CHAR_END; c = pem_reader_next(&reader)) {
        matched = c == word[matched] ? matched + 1 : c == word[0] ? 1 : 0;
        if (word[matched] == '\0')
            return true;
    }
    return false;
}

static enum pem_kind key_kind(enum pem_kind kind, const struct pem_reader *from,
                              const struct pem_reader *to)
{
    if (kind == PEM_PRIVATE_KEY && body_says_encrypted(from, to))
        return PEM_ENCRYPTED_KEY;
    return kind;
}

/* Keeps the decoded bytes where they are what the label says. */
static void keep_der(struct pem *pem, enum pem_kind kind, bool trusted, const uint8_t *der,
                     size_t len)
{
    struct strbuf plain = STRBUF_INIT;
    enum pem_kind inside;
    struct pem_block *block;

    if (pem_kind_of_prefix(der, len, &inside) && pem_kind_is_key(inside)) {
        (void)add_block(pem, inside); /* a private key under another label */
        note_problem(pem, PEM_BAD_BASE64);
        return;
    }
    if (trusted && pem_plain_certificate(&plain, der, len)) {
        pem->cleaned |= PEM_CLEANED_TRUSTED;
        block = add_block(pem, kind);
        block->der = plain;
        return;
    }
    if (!pem_kind_fits(kind, der, len)) {
        note_problem(pem, PEM_BAD_BASE64);
        return;
    }
    block = add_block(pem, kind);
    strbuf_add(&block->der, der, len);
}

static void take_body(struct pem *pem, enum pem_kind kind, bool trusted,
                      const struct pem_reader *from, const struct pem_reader *to)
{
    size_t capacity = (size_t)(to->at - from->at) / 4 * 3 + 3;
    struct base64 decoder = {.capacity = capacity};

    decoder.out = mem_array(capacity, 1);
    if (decode_body(from, to, &decoder, &pem->cleaned))
        keep_der(pem, kind, trusted, decoder.out, decoder.len);
    else
        note_problem(pem, PEM_BAD_BASE64);
    explicit_bzero(decoder.out, capacity); /* it may have been a key under a wrong label */
    free(decoder.out);
}

/* A block with both its lines. */
static void take_block(struct pem *pem, const struct marker *begin, const struct marker *end)
{
    bool trusted = false;
    enum pem_kind kind = pem_kind_of_label(begin->label, &trusted);

    switch (kind) {
    case PEM_PRIVATE_KEY:
    case PEM_ENCRYPTED_KEY: /* neither decoded nor copied */
        (void)add_block(pem, key_kind(kind, &begin->after, &end->before));
        break;
    case PEM_SSH_KEY:
    case PEM_PKCS12:
    case PEM_OTHER:
        (void)add_block(pem, kind);
        break;
    case PEM_CERTIFICATE:
    case PEM_CRL:
    case PEM_REQUEST:
    case PEM_PUBLIC_KEY:
    case PEM_PKCS7:
        pem->cleaned |= marker_cleaned(begin) | marker_cleaned(end);
        take_body(pem, kind, trusted, &begin->after, &end->before);
        break;
    }
}

/* A BEGIN or END without its other half: nothing is kept but the news of a private key. */
static void take_half(struct pem *pem, const struct marker *marker)
{
    bool trusted;
    enum pem_kind kind = pem_kind_of_label(marker->label, &trusted);

    if (pem_kind_is_key(kind))
        (void)add_block(pem, kind);
    note_problem(pem, marker->type == MARKER_BEGIN ? PEM_CUT : PEM_NO_BEGIN);
}

/* Reads all blocks. Answers whether there was a marker at all; *ret_text: anything but spaces. */
static bool scan_blocks(struct pem *pem, struct pem_reader *reader, bool *ret_text)
{
    struct marker open = {.type = MARKER_NONE};
    struct marker marker = {.type = MARKER_NONE};
    struct between between;
    bool any = false;

    while (true) {
        unsigned before = reader->cleaned & OUTSIDE_ONLY;
        bool found = find_marker(reader, &between, &marker);

        if (open.type == MARKER_NONE) {
            *ret_text = *ret_text || between.text || found;
            pem->cleaned |= found          ? between_cleaned(&between)
                            : between.text ? PEM_CLEANED_TEXT
                                           : 0u;
            /* what stands around the blocks is dropped whole: its spaces are nobody's matter */
            reader->cleaned = (reader->cleaned & ~(unsigned)OUTSIDE_ONLY) | before;
        }
        if (!found)
            break;
        any = true;
        if (open.type == MARKER_BEGIN && marker.type == MARKER_END &&
            strcmp(open.label, marker.label) == 0) {
            take_block(pem, &open, &marker);
            open.type = MARKER_NONE;
            continue;
        }
        if (open.type == MARKER_BEGIN)
            take_half(pem, &open);
        if (marker.type == MARKER_END)
            take_half(pem, &marker);
        open = marker;
        if (marker.type == MARKER_END)
            open.type = MARKER_NONE;
    }
    if (open.type == MARKER_BEGIN)
        take_half(pem, &open);
    pem->cleaned |= reader->cleaned;
    return any;
}

/* -- without any marker ------------------------------------------------------------------------ */

static bool reads_as(const struct pem_reader *from, const char *word)
{
    struct pem_reader reader = *from;
    struct pem_reader before = reader;
    int c;

    do {
        before = reader;
        c = pem_reader_next(&reader);
    } while (c == ' ' || c == '\n' || c == '>' || c == '|');
    return read_word(&before, word);
}

/* The first bytes of a text that may be bare base64. */
static bool bare_key(const struct pem_reader *from, enum pem_kind *ret)
{
    uint8_t bytes[SNIFF_BYTES];
    struct base64 decoder = {.out = bytes, .capacity = sizeof(bytes)};
    struct pem_reader reader = *from;
    bool is_key;

    for (int c = pem_reader_next(&reader); c != PEM_CHAR_END; c = pem_reader_next(&reader)) {
        if (c != ' ' && c != '\n' && c != '>' && c != '|' && !base64_push(&decoder, c))
            break;
    }
    is_key = pem_kind_of_prefix(bytes, decoder.len, ret) && pem_kind_is_key(*ret);
    explicit_bzero(bytes, sizeof(bytes));
    decoder.bits = 0;
    return is_key;
}

static void scan_bare(struct pem *pem, const struct pem_reader *from)
{
    static const char *const ssh[] = {"ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"};
    enum pem_kind kind = PEM_OTHER;

    for (size_t i = 0; i < ARRAY_LEN(ssh); i++) {
        if (reads_as(from, ssh[i])) {
            (void)add_block(pem, PEM_SSH_KEY);
            return;
        }
    }
    if (reads_as(from, "PuTTY-User-Key-File"))
        (void)add_block(pem, PEM_PRIVATE_KEY);
    else if (bare_key(from, &kind))
        (void)add_block(pem, kind);
    note_problem(pem, PEM_NO_BEGIN);
}

/* DER, whole or cut off. False: it is text. */
static bool scan_der(struct pem *pem, const uint8_t *bytes, size_t len)
{
    size_t size = pem_sequence_size(bytes, len);
    enum pem_kind kind;

    if (size == len) {
        kind = pem_kind_of_der(bytes, len);
    } else if (size > len && bytes[1] >= 0x80) {
        if (pem_kind_of_prefix(bytes, len, &kind) && pem_kind_is_key(kind))
            (void)add_block(pem, kind);
        note_problem(pem, PEM_CUT);
        return true;
    } else {
        return false;
    }
    if (kind == PEM_OTHER)
        return false;
    add_block(pem, kind);
    if (!pem_kind_is_key(kind) && kind != PEM_PKCS12)
        strbuf_add(&pem->blocks[pem->n - 1].der, bytes, len);
    pem->cleaned |= PEM_CLEANED_DER;
    return true;
}

void pem_scan(const void *bytes, size_t len, struct pem *ret)
{
    struct pem_reader reader;
    bool text = false;

    memset(ret, 0, sizeof(*ret));
    if (len > PEM_SCAN_MAX) {
        ret->problem = PEM_TOO_LARGE;
        return;
    }
    if (scan_der(ret, bytes, len))
        return;
    pem_reader_init(&reader, bytes, len);
    if (scan_blocks(ret, &reader, &text))
        return;
    if (!text) {
        ret->problem = PEM_EMPTY;
        return;
    }
    pem_reader_init(&reader, bytes, len);
    scan_bare(ret, &reader);
}
