/*
 * message.h - what libpq, the server or an alert said, as our code with cause and help.
 *
 * Source   SQLSTATE (PostgreSQL appendix A), never the English text; TLS alert numbers (RFC 8446 6).
 */
#ifndef PGSEAL_PG_MESSAGE_H
#define PGSEAL_PG_MESSAGE_H

#include "core/base/err.h"

/* code may be ERR_NONE: then chosen from the SQLSTATE ("28P01" -> ERR_LOGIN …). sqlstate may be NULL.
 * text is dirty: it is cleaned and put into one line. Always false. */
bool message_from_server(struct err *err, enum err_code code, const char *sqlstate,
                         const char *text);
/* Alert number -> ERR_ALERT_…; context names what was tried. Always false. */
bool message_from_alert(struct err *err, int alert, const char *context);

#endif
