/* name.c - X.501 names. */
#include "config.h"

#include "core/pki/name.h"

#include <openssl/asn1.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/ossl.h"

#define TEXT_MAX    4096
#define ENTRIES_MAX 32

/* be-secure-openssl.c writes values so: escaped as in RFC 2253, but UTF-8 stays as it is. */
#define PG_FLAGS ((ASN1_STRFLGS_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) | ASN1_STRFLGS_UTF8_CONVERT)

struct name {
    X509_NAME *x;
};

static struct name *name_take(X509_NAME *x)
{
    struct name *name = mem_zalloc(sizeof(*name));

    name->x = x;
    /* encodes it now: comparing and printing only read from here on */
    (void)i2d_X509_NAME(x, NULL);
    return name;
}

struct name *name_new_empty(void)
{
    X509_NAME *x = X509_NAME_new();

    if (!x)
        abort();
    return name_take(x);
}

struct name *ossl_name_copy(const X509_NAME *from)
{
    X509_NAME *x = X509_NAME_dup(from);

    if (!x)
        abort();
    return name_take(x);
}

const X509_NAME *ossl_name(const struct name *name)
{
    return name->x;
}

void name_free(struct name *name)
{
    if (!name)
        return;
    X509_NAME_free(name->x);
    free(name);
}

bool name_equal(const struct name *a, const struct name *b)
{
    return X509_NAME_cmp(a->x, b->x) == 0;
}

bool name_check_common_name(const char *cn, struct err *err)
{
    size_t len = strlen(cn);

    if (len == 0)
        return err_set(err, ERR_BAD_NAME, _("an empty name"));
    for (const char *at = cn; *at; at++) {
        if (*at < 0x20 || *at > 0x7e)
            return err_set(err, ERR_BAD_NAME,
                           _("\"%.80s\" has characters other than printable ASCII"), cn);
        if (strchr("/\\\",+;<>", *at))
            return err_set(err, ERR_BAD_NAME, _("\"%.80s\" has the character %c"), cn, *at);
    }
    if (len > NAME_CN_MAX)
        return err_set(err, ERR_BAD_NAME,
                       _("\"%.80s\" is %zu bytes long: pg_stat_ssl shows %d of a name"), cn, len,
                       NAME_CN_MAX);
    if (strchr("#.-", cn[0]))
        return err_set(err, ERR_BAD_NAME, _("\"%s\" begins with %c"), cn, cn[0]);
    if (cn[0] == ' ' || cn[len - 1] == ' ')
        return err_set(err, ERR_BAD_NAME, _("\"%s\" begins or ends with a space"), cn);
    return true;
}

struct name *name_new_common_name(const char *cn, struct err *err)
{
    X509_NAME *x;

    if (!name_check_common_name(cn, err))
        return NULL;
    ossl_clear();
    x = X509_NAME_new();
    if (!x || X509_NAME_add_entry_by_NID(x, NID_commonName, MBSTRING_UTF8,
                                         (const unsigned char *)cn, -1, -1, 0) != 1) {
        (void)ossl_err(err, ERR_CRYPTO, _("could not make the name \"%s\""), cn);
        X509_NAME_free(x);
        return NULL;
    }
    return name_take(x);
}

/* -- text to name ------------------------------------------------------------------------------ */

struct part { /* one type=value of the text */
    int nid;
    struct strbuf value;
    bool joined; /* by '+' to the part before it: one RDN */
};

static int type_nid(const char *type)
{
    static const char *const any_case[] = {"CN", "O",   "OU", "C",  "ST",   "L",
                                           "DC", "UID", "SN", "GN", "title"};

    for (size_t i = 0; i < ARRAY_LEN(any_case); i++) {
        if (strcasecmp(type, any_case[i]) == 0)
            return OBJ_sn2nid(any_case[i]);
    }
    if (strcasecmp(type, "emailAddress") == 0 || strcasecmp(type, "E") == 0)
        return NID_pkcs9_emailAddress;
    return OBJ_txt2nid(type);
}

/* Moves *at behind the '='. */
static bool parse_type(const char **at, struct part *part, const char *text, struct err *err)
{
    char type[64];
    size_t len = strcspn(*at, "=,;/+\\");
    size_t used = len;

    if (len == 0 || len >= sizeof(type) || (*at)[len] != '=')
        return err_set(err, ERR_BAD_NAME, _("\"%.80s\" is not a name like \"CN=alice, O=Acme\""),
                       text);
    while (used > 0 && (*at)[used - 1] == ' ')
        used--;
    memcpy(type, *at, used);
    type[used] = '\0';
    ossl_clear();
    part->nid = type_nid(type);
    ossl_clear();
    if (part->nid == NID_undef)
        return err_set(err, ERR_BAD_NAME, _("\"%.40s\" in \"%.80s\" is not a part of a name"), type,
                       text);
    *at += len + 1;
    return true;
}

/* Moves *at to the separator or the end. */
static bool parse_value(const char **at, struct part *part, const char *separators,
                        const char *text, struct err *err)
{
    size_t keep = 0; /* up to here nothing is trimmed: the last byte that is no plain space */
    const char *from;

    while (**at == ' ')
        (*at)++;
    if (**at == '#')
        return err_set(err, ERR_BAD_NAME, _("\"%.80s\" has a value in hex, which is not read here"),
                       text);
    for (from = *at; *from && !strchr(separators, *from); from++) {
        uint8_t byte;
        size_t n;
        bool escaped = *from == '\\';

        if (*from == '"' || (escaped && from[1] == '\0'))
            return err_set(err, ERR_BAD_NAME, _("\"%.80s\" has a %c out of place"), text, *from);
        if (escaped && from[1] && from[2] &&
            text_parse_hex((const char[]){from[1], from[2], '\0'}, &byte, 1, &n) && n == 1) {
            strbuf_add_char(&part->value, (char)byte);
            from += 2;
        } else {
            if (escaped)
                from++;
            strbuf_add_char(&part->value, *from);
        }
        if (escaped || *from != ' ')
            keep = part->value.len;
    }
    strbuf_truncate(&part->value, keep);
    *at = from;
    if (part->value.len == 0)
        return err_set(err, ERR_BAD_NAME, _("\"%.80s\" has an empty value"), text);
    if (strlen(part->value.data) != part->value.len || !text_is_clean(part->value.data))
        return err_set(err, ERR_BAD_NAME, _("\"%.80s\" has control characters or broken UTF-8"),
                       text);
    return true;
}

/* The parts as they stand in the text; *n of them are in use also after a failure. */
static bool parse_parts(const char *text, bool slash, struct part parts[ENTRIES_MAX], size_t *n,
                        struct err *err)
{
    const char *separators = slash ? "/+" : ",;+";
    const char *at = slash ? text + 1 : text;
    bool joined = false;

    while (true) {
        struct part *part = &parts[*n];

        if (*n == ENTRIES_MAX)
            return err_set(err, ERR_BAD_NAME, _("\"%.80s\" has more than %d parts"), text,
                           ENTRIES_MAX);
        strbuf_init(&part->value);
        part->joined = joined;
        (*n)++;
        while (*at == ' ')
            at++;
        if (!parse_type(&at, part, text, err) || !parse_value(&at, part, separators, text, err))
            return false;
        if (*at == '\0')
            return true;
        joined = *at++ == '+';
    }
}

static bool add_part(X509_NAME *x, const struct part *part, bool joined, const char *text,
                     struct err *err)
{
    ossl_clear();
    if (X509_NAME_add_entry_by_NID(x, part->nid, MBSTRING_UTF8,
                                   (const unsigned char *)part->value.data, (int)part->value.len,
                                   -1, joined ? -1 : 0) != 1)
        return ossl_err(err, ERR_BAD_NAME, _("%s=\"%.60s\" in \"%.80s\" cannot be used"),
                        OBJ_nid2sn(part->nid), part->value.data, text);
    return true;
}

/* RFC 4514 writes the RDNs backwards; within one RDN the order stays. */
static bool add_parts(X509_NAME *x, const struct part *parts, size_t n, bool slash,
                      const char *text, struct err *err)
{
    size_t end = n;

    if (slash) {
        for (size_t i = 0; i < n; i++) {
            if (!add_part(x, &parts[i], parts[i].joined, text, err))
                return false;
        }
        return true;
    }
    while (end > 0) {
        size_t begin = end - 1;

        while (parts[begin].joined)
            begin--;
        for (size_t i = begin; i < end; i++) {
            if (!add_part(x, &parts[i], i > begin, text, err))
                return false;
        }
        end = begin;
    }
    return true;
}

struct name *name_parse(const char *text, struct err *err)
{
    struct part parts[ENTRIES_MAX];
    size_t n = 0;
    bool slash = text[0] == '/';
    X509_NAME *x = NULL;
    struct name *made = NULL;

    if (text[0] == '\0') {
        (void)err_set(err, ERR_BAD_NAME, _("an empty name"));
        return NULL;
    }
    if (strlen(text) > TEXT_MAX) {
        (void)err_set(err, ERR_BAD_NAME, _("a name of more than %d bytes"), TEXT_MAX);
        return NULL;
    }
    if (!parse_parts(text, slash, parts, &n, err))
        goto out;
    x = X509_NAME_new();
    if (!x) {
        (void)err_set(err, ERR_CRYPTO, _("could not make the name \"%.80s\""), text);
        goto out;
    }
    if (!add_parts(x, parts, n, slash, text, err))
        goto out;
    made = name_take(x);
    x = NULL;
out:
    for (size_t i = 0; i < n; i++)
        strbuf_clear(&parts[i].value);
    X509_NAME_free(x);
    return made;
}

/* -- name to text ------------------------------------------------------------------------------ */

static void add_bio(struct strbuf *out, BIO *bio)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);

    if (len > 0)
        strbuf_add(out, data, (size_t)len);
}

void name_format(const struct name *name, struct strbuf *out)
{
    const unsigned long flags = ASN1_STRFLGS_ESC_2253 | ASN1_STRFLGS_ESC_CTRL |
                                ASN1_STRFLGS_UTF8_CONVERT | ASN1_STRFLGS_DUMP_UNKNOWN |
                                ASN1_STRFLGS_DUMP_DER | XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_DN_REV |
                                XN_FLAG_FN_SN | XN_FLAG_DUMP_UNKNOWN_FIELDS;
    struct strbuf raw = STRBUF_INIT;
    BIO *bio = BIO_new(BIO_s_mem());

    if (bio && X509_NAME_print_ex(bio, name->x, 0, flags) >= 0)
        add_bio(&raw, bio);
    text_clean(out, raw.data, raw.len, TEXT_ONE_LINE);
    strbuf_clear(&raw);
    BIO_free(bio);
}

/* The bytes that X509_NAME_to_cstring() of PostgreSQL makes, before it cuts them. */
static void format_pg_whole(const struct name *name, struct strbuf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int n = X509_NAME_entry_count(name->x);

    for (int i = 0; bio && i < n; i++) {
        X509_NAME_ENTRY *entry = X509_NAME_get_entry(name->x, i);
        const ASN1_OBJECT *object = X509_NAME_ENTRY_get_object(entry);
        int nid = OBJ_obj2nid(object);
        char oid[80];

        if (nid == NID_undef) {
            (void)OBJ_obj2txt(oid, sizeof(oid), object, 1);
            (void)BIO_printf(bio, "/%s=", oid);
        } else {
            const char *type = OBJ_nid2sn(nid);

            (void)BIO_printf(bio, "/%s=", type ? type : OBJ_nid2ln(nid));
        }
        (void)ASN1_STRING_print_ex(bio, X509_NAME_ENTRY_get_data(entry), PG_FLAGS);
    }
    if (bio)
        add_bio(out, bio);
    BIO_free(bio);
    ossl_clear();
}

void name_format_slash(const struct name *name, struct strbuf *out)
{
    struct strbuf raw = STRBUF_INIT;

    format_pg_whole(name, &raw);
    text_clean(out, raw.data, raw.len, TEXT_ONE_LINE);
    strbuf_clear(&raw);
}

void name_format_pg(const struct name *name, char out[NAME_PG_SIZE])
{
    struct strbuf raw = STRBUF_INIT;
    size_t len;

    format_pg_whole(name, &raw);
    len = strnlen(raw.data, raw.len);
    if (len > NAME_PG_SIZE - 1)
        len = NAME_PG_SIZE - 1;
    memcpy(out, raw.data, len);
    out[len] = '\0';
    strbuf_clear(&raw);
}

bool name_common_name(const struct name *name, struct strbuf *out)
{
    int at = X509_NAME_get_index_by_NID(name->x, NID_commonName, -1);
    unsigned char *utf8 = NULL;
    int len;

    if (at < 0)
        return false;
    len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name->x, at)));
    ossl_clear();
    if (len < 0)
        return false;
    text_clean(out, utf8, (size_t)len, TEXT_ONE_LINE);
    OPENSSL_free(utf8);
    return true;
}
