/*
 * serial.h - certificate serial numbers: hex for people and tools, decimal for pg_stat_ssl.
 *
 * Source   RFC 5280 4.1.2.2 (positive, at most 20 bytes); pg_stat_ssl.client_serial is numeric.
 * Shapes   big-endian bytes without leading zeros; zero is one byte 0.
 * Errors   ERR_BAD_VALUE for what is no serial number; ERR_CRYPTO where the machine has no random bytes.
 */
#ifndef PGSEAL_PKI_SERIAL_H
#define PGSEAL_PKI_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/attr.h"
#include "core/base/err.h"

#define SERIAL_MAX         20
#define SERIAL_HEX_MAX     41 /* with NUL */
#define SERIAL_DECIMAL_MAX 50 /* with NUL */

struct serial {
    uint8_t bytes[SERIAL_MAX];
    size_t len;
};

/* 126 random bits below a one: always 16 bytes, positive without padding, 32 hex digits. */
bool serial_random(struct serial *ret, struct err *err) MUST_CHECK;
bool serial_from_bytes(struct serial *ret, const void *bytes, size_t len,
                       struct err *err) MUST_CHECK;
/* Hex with or without colons, any case, leading zeros dropped; decimal digits. ERR_BAD_VALUE. */
bool serial_parse_hex(struct serial *ret, const char *text, struct err *err) MUST_CHECK;
bool serial_parse_decimal(struct serial *ret, const char *text, struct err *err) MUST_CHECK;
/* Lower case, no leading zeros: "a1b" where openssl prints "0A1B". Both return out. */
char *serial_format_hex(char out[SERIAL_HEX_MAX], const struct serial *serial);
char *serial_format_decimal(char out[SERIAL_DECIMAL_MAX], const struct serial *serial);
/* The numbers that begin with these decimal digits and have `more` further ones: ret_from to ret_to.
 * False when there are none of at most 20 bytes. */
bool serial_decimal_range(const char *digits, int more, struct serial *ret_from,
                          struct serial *ret_to) MUST_CHECK;
bool serial_equal(const struct serial *a, const struct serial *b);
int serial_compare(const struct serial *a, const struct serial *b); /* as numbers */

#endif
