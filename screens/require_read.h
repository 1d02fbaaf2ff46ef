/*
 * require_read.h - the lists that a person types into the page of access rules: roles, and who is who.
 */
#ifndef PGSEAL_SCREENS_REQUIRE_READ_H
#define PGSEAL_SCREENS_REQUIRE_READ_H

#include "screens/require_job.h"

void require_add_role(struct require_data *data, const char *role);
/* Between commas; blanks around a name are none of it. */
void require_read_roles(const char *text, struct require_data *data);
/* "CN=role" between commas; false: a part has no "=" or an empty side. data may be NULL. */
bool require_read_map(const char *text, struct require_data *data) MUST_CHECK;
/* The role that a certificate of this name may be: by the map, else the name itself. Borrowed. */
const char *require_role_of(const struct require_data *data, const char *cn);

#endif
