/* attr.h - attributes that both compilers know. */
#ifndef PGSEAL_BASE_ATTR_H
#define PGSEAL_BASE_ATTR_H

#define MUST_CHECK             __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define ARRAY_LEN(array)       (sizeof(array) / sizeof((array)[0]))

#endif
