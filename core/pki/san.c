/* san.c - subjectAltName. */
#include "config.h"

#include "core/pki/san.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/ossl.h"

#define HOST_MAX  253
#define LABEL_MAX 63

void san_init(struct san *san)
{
    san->entries = NULL;
    san->n = 0;
}

void san_clear(struct san *san)
{
    for (size_t i = 0; i < san->n; i++)
        free(san->entries[i].text);
    free(san->entries);
    san_init(san);
}

static void append_take(struct san *san, enum san_type type, char *text)
{
    san->entries = mem_realloc_array(san->entries, san->n + 1, sizeof(*san->entries));
    san->entries[san->n].type = type;
    san->entries[san->n].text = text;
    san->n++;
}

/* The address in network order; 0 bytes when the text is none. */
static size_t parse_ip(const char *text, uint8_t ret[16])
{
    if (inet_pton(AF_INET, text, ret) == 1)
        return 4;
    if (inet_pton(AF_INET6, text, ret) == 1)
        return 16;
    return 0;
}

static char *format_ip(const uint8_t *ip, size_t len)
{
    char text[INET6_ADDRSTRLEN];

    if (!inet_ntop(len == 4 ? AF_INET : AF_INET6, ip, text, sizeof(text)))
        return NULL;
    return mem_strdup(text);
}

static bool label_is_good(const char *label, size_t len)
{
    if (len == 0 || len > LABEL_MAX || label[0] == '-' || label[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = label[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_'))
            return false;
    }
    return true;
}

static bool check_dns(const char *host, struct err *err)
{
    const char *at = host;
    const char *last = host;
    size_t labels = 0;
    bool wildcard = strncmp(host, "*.", 2) == 0;

    if (strlen(host) > HOST_MAX)
        return err_set(err, ERR_BAD_NAME, _("\"%.60s...\" is longer than %d bytes"), host,
                       HOST_MAX);
    if (wildcard)
        at += 2;
    while (true) {
        size_t len = strcspn(at, ".");

        if (!label_is_good(at, len))
            return err_set(err, ERR_BAD_NAME, _("\"%s\" is not a host name or an address"), host);
        labels++;
        last = at;
        if (at[len] == '\0')
            break;
        at += len + 1;
    }
    if (wildcard && labels < 2)
        return err_set(err, ERR_BAD_NAME, _("\"%s\" stands for too many hosts"), host);
    if (last[strspn(last, "0123456789")] == '\0') /* 10.0.0.256, 10.0.0 */
        return err_set(err, ERR_BAD_NAME, _("\"%s\" is not a host name or an address"), host);
    return true;
}

bool san_add(struct san *san, const char *host, struct err *err)
{
    uint8_t ip[16];
    size_t ip_len = parse_ip(host, ip);
    char *text;

    if (ip_len == 0 && !check_dns(host, err))
        return false;
    if (san_has(san, host))
        return true;
    if (san->n >= SAN_MAX)
        return err_set(err, ERR_BAD_NAME, _("more than %d names in one certificate"), SAN_MAX);
    if (ip_len > 0) {
        text = format_ip(ip, ip_len);
        if (!text)
            return err_set(err, ERR_BAD_NAME, _("\"%s\" is not an address"), host);
        append_take(san, SAN_IP, text);
        return true;
    }
    text = mem_strdup(host);
    for (char *c = text; *c; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    }
    append_take(san, SAN_DNS, text);
    return true;
}

bool san_has(const struct san *san, const char *host)
{
    uint8_t ip[16];
    size_t ip_len = parse_ip(host, ip);
    char *canonical = ip_len > 0 ? format_ip(ip, ip_len) : NULL;
    bool found = false;

    for (size_t i = 0; i < san->n && !found; i++) {
        const struct san_entry *entry = &san->entries[i];

        if (canonical)
            found = entry->type == SAN_IP && strcmp(entry->text, canonical) == 0;
        else
            found = entry->type == SAN_DNS && strcasecmp(entry->text, host) == 0;
    }
    free(canonical);
    return found;
}

void san_format(const struct san *san, struct strbuf *out)
{
    for (size_t i = 0; i < san->n; i++) {
        const struct san_entry *entry = &san->entries[i];

        if (i > 0)
            strbuf_add_str(out, ", ");
        switch (entry->type) {
        case SAN_DNS:
            strbuf_add_str(out, "DNS:");
            break;
        case SAN_IP:
            strbuf_add_str(out, "IP:");
            break;
        case SAN_OTHER: /* brings its own word */
            break;
        }
        strbuf_add_str(out, entry->text);
    }
}

/* -- inside OpenSSL ---------------------------------------------------------------------------- */

static GENERAL_NAME *general_name_new(const struct san_entry *entry)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = NULL;
    uint8_t ip[16];
    const void *bytes = entry->text;
    size_t len = strlen(entry->text);

    if (entry->type == SAN_IP) {
        len = parse_ip(entry->text, ip);
        bytes = ip;
    }
    value = entry->type == SAN_IP ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    if (!name || !value || ASN1_STRING_set(value, bytes, (int)len) != 1) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(value);
        return NULL;
    }
    GENERAL_NAME_set0_value(name, entry->type == SAN_IP ? GEN_IPADD : GEN_DNS, value);
    return name;
}

GENERAL_NAMES *ossl_san_new(const struct san *san, struct err *err)
{
    GENERAL_NAMES *names = NULL;

    ossl_clear();
    if (san->n > SAN_MAX) {
        (void)err_set(err, ERR_POLICY, _("more than %d names in one certificate"), SAN_MAX);
        return NULL;
    }
    names = GENERAL_NAMES_new();
    for (size_t i = 0; names && i < san->n; i++) {
        GENERAL_NAME *name;

        if (san->entries[i].type == SAN_OTHER) {
            (void)err_set(err, ERR_POLICY, _("\"%s\" is neither a host name nor an address"),
                          san->entries[i].text);
            GENERAL_NAMES_free(names);
            return NULL;
        }
        name = general_name_new(&san->entries[i]);
        if (!name || sk_GENERAL_NAME_push(names, name) <= 0) {
            GENERAL_NAME_free(name);
            GENERAL_NAMES_free(names);
            names = NULL;
        }
    }
    if (!names)
        (void)ossl_err(err, ERR_CRYPTO, _("could not make the subjectAltName"));
    return names;
}

static char *clean_dup(const void *bytes, size_t len)
{
    struct strbuf clean = STRBUF_INIT;

    text_clean(&clean, bytes, len, TEXT_ONE_LINE);
    return strbuf_steal(&clean);
}

static char *other_text(const GENERAL_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    char *made;
    long len = 0;

    /* takes no const, and only reads */
    if (bio && GENERAL_NAME_print(bio, (GENERAL_NAME *)(uintptr_t)name) == 1)
        len = BIO_get_mem_data(bio, &data);
    made = len > 0 ? clean_dup(data, (size_t)len) : mem_strdup("other");
    BIO_free(bio);
    ossl_clear();
    return made;
}

void ossl_san_read(const GENERAL_NAMES *from, struct san *ret)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(from); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(from, i);
        int type = 0;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
        size_t len = 0;

        if (type == GEN_DNS || type == GEN_IPADD)
            len = (size_t)ASN1_STRING_length(value);
        if (type == GEN_DNS)
            append_take(ret, SAN_DNS, clean_dup(ASN1_STRING_get0_data(value), len));
        else if (type == GEN_IPADD && (len == 4 || len == 16))
            append_take(ret, SAN_IP, format_ip(ASN1_STRING_get0_data(value), len));
        else
            append_take(ret, SAN_OTHER, other_text(name));
    }
}
