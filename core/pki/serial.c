/* serial.c - certificate serial numbers. */
#include "config.h"

#include "core/pki/serial.h"

#include <openssl/rand.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/pki/ossl.h"

#define RANDOM_SIZE 16

bool serial_random(struct serial *ret, struct err *err)
{
    uint8_t bytes[RANDOM_SIZE];

    ossl_clear();
    if (RAND_bytes(bytes, RANDOM_SIZE) != 1)
        return ossl_err(err, ERR_CRYPTO, _("no random bytes for a serial number"));
    bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x40);
    return serial_from_bytes(ret, bytes, RANDOM_SIZE, err);
}

bool serial_from_bytes(struct serial *ret, const void *bytes, size_t len, struct err *err)
{
    const uint8_t *from = bytes;

    if (len == 0)
        return err_set(err, ERR_BAD_VALUE, _("an empty serial number"));
    while (len > 1 && *from == 0) {
        from++;
        len--;
    }
    if (len > SERIAL_MAX)
        return err_set(err, ERR_BAD_VALUE, _("a serial number of %zu bytes: at most %d are valid"),
                       len, SERIAL_MAX);
    memset(ret, 0, sizeof(*ret));
    memcpy(ret->bytes, from, len);
    ret->len = len;
    return true;
}

/* number = number * base + digit, in SERIAL_MAX bytes; false when it does not fit. */
static bool number_push(uint8_t number[SERIAL_MAX], unsigned base, unsigned digit)
{
    unsigned carry = digit;

    for (size_t i = SERIAL_MAX; i-- > 0;) {
        unsigned value = number[i] * base + carry;

        number[i] = (uint8_t)(value & 0xff);
        carry = value >> 8;
    }
    return carry == 0;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool parse(struct serial *ret, const char *text, unsigned base, bool colons, struct err *err)
{
    uint8_t number[SERIAL_MAX] = {0};
    bool digit_before = false;

    for (const char *at = text; *at; at++) {
        int digit = digit_value(*at);

        if (*at == ':' && colons && digit_before && at[1] != '\0') {
            digit_before = false;
            continue;
        }
        if (digit < 0 || (unsigned)digit >= base)
            return err_set(err, ERR_BAD_VALUE, _("\"%.60s\" is not a serial number"), text);
        if (!number_push(number, base, (unsigned)digit))
            return err_set(err, ERR_BAD_VALUE,
                           _("\"%.60s\" is too large for a serial number: at most %d bytes"), text,
                           SERIAL_MAX);
        digit_before = true;
    }
    if (!digit_before)
        return err_set(err, ERR_BAD_VALUE, _("\"%.60s\" is not a serial number"), text);
    return serial_from_bytes(ret, number, sizeof(number), err);
}

bool serial_parse_hex(struct serial *ret, const char *text, struct err *err)
{
    return parse(ret, text, 16, true, err);
}

bool serial_parse_decimal(struct serial *ret, const char *text, struct err *err)
{
    return parse(ret, text, 10, false, err);
}

char *serial_format_hex(char out[SERIAL_HEX_MAX], const struct serial *serial)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = 0;

    for (size_t i = 0; i < serial->len; i++) {
        if (len > 0 || serial->bytes[i] >> 4)
            out[len++] = digits[serial->bytes[i] >> 4];
        if (len > 0 || (serial->bytes[i] & 15))
            out[len++] = digits[serial->bytes[i] & 15];
    }
    if (len == 0)
        out[len++] = '0';
    out[len] = '\0';
    return out;
}

char *serial_format_decimal(char out[SERIAL_DECIMAL_MAX], const struct serial *serial)
{
    uint8_t number[SERIAL_MAX] = {0};
    char reversed[SERIAL_DECIMAL_MAX];
    size_t len = 0;
    bool more = true;

    memcpy(number, serial->bytes, serial->len);
    while (more) { /* 20 bytes are at most 49 digits */
        unsigned rest = 0;

        more = false;
        for (size_t i = 0; i < serial->len; i++) {
            unsigned value = rest << 8 | number[i];

            number[i] = (uint8_t)(value / 10);
            rest = value % 10;
            more = more || number[i] != 0;
        }
        reversed[len++] = (char)('0' + rest);
    }
    for (size_t i = 0; i < len; i++)
        out[i] = reversed[len - 1 - i];
    out[len] = '\0';
    return out;
}

bool serial_equal(const struct serial *a, const struct serial *b)
{
    return serial_compare(a, b) == 0;
}

int serial_compare(const struct serial *a, const struct serial *b)
{
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return memcmp(a->bytes, b->bytes, a->len);
}

bool serial_decimal_range(const char *digits, int more, struct serial *ret_from,
                          struct serial *ret_to)
{
    char from[SERIAL_DECIMAL_MAX];
    char to[SERIAL_DECIMAL_MAX];
    struct err too_large = ERR_INIT;
    size_t len = strlen(digits);

    if (len == 0 || digits[0] == '0' || more < 0 || len + (size_t)more >= sizeof(from))
        return false;
    memcpy(from, digits, len);
    memcpy(to, digits, len);
    memset(from + len, '0', (size_t)more);
    memset(to + len, '9', (size_t)more);
    from[len + (size_t)more] = to[len + (size_t)more] = '\0';
    if (!serial_parse_decimal(ret_from, from, &too_large))
        return false;
    if (!serial_parse_decimal(ret_to, to, &too_large)) {
        memset(ret_to->bytes, 0xff, SERIAL_MAX);
        ret_to->len = SERIAL_MAX;
    }
    return true;
}
