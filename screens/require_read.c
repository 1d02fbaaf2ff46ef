/* require_read.c - the lists that a person types into the page of access rules. */
#include "config.h"

#include "screens/require_read.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"

void require_add_role(struct require_data *data, const char *role)
{
    data->roles = mem_realloc_array(data->roles, data->n_roles + 1, sizeof(*data->roles));
    data->roles[data->n_roles++] = mem_strdup(role);
}

/* Between commas; blanks around a name are none of it. */
void require_read_roles(const char *text, struct require_data *data)
{
    char *copy = mem_strdup(text), *rest = copy;

    for (char *role; (role = strsep(&rest, ",")) != NULL;) {
        size_t len;

        role += strspn(role, " \t");
        len = strlen(role);
        while (len > 0 && strchr(" \t", role[len - 1]) != NULL)
            role[--len] = '\0';
        if (len > 0)
            require_add_role(data, role);
    }
    free(copy);
}

/* "CN=role" between commas; false: a part has no "=" or an empty side. data may be NULL. */
bool require_read_map(const char *text, struct require_data *data)
{
    char *copy = mem_strdup(text), *rest = copy;
    bool good = true;

    for (char *part; good && (part = strsep(&rest, ",")) != NULL;) {
        char *role = strrchr(part, '='); /* a CN may have one in it, a role rarely */
        size_t len;

        part += strspn(part, " \t");
        if (part[0] == '\0')
            continue;
        good = role != NULL && role > part && role[1] != '\0';
        if (!good || data == NULL)
            continue;
        *role++ = '\0';
        for (len = strlen(role); len > 0 && strchr(" \t", role[len - 1]) != NULL;)
            role[--len] = '\0';
        data->map_cns = mem_realloc_array(data->map_cns, data->n_map + 1, sizeof(*data->map_cns));
        data->map_roles =
            mem_realloc_array(data->map_roles, data->n_map + 1, sizeof(*data->map_roles));
        data->map_cns[data->n_map] = mem_strdup(part);
        data->map_roles[data->n_map++] = mem_strdup(role);
    }
    free(copy);
    return good;
}

/* The role that a certificate of this name may be: by the map, else the name itself. */
const char *require_role_of(const struct require_data *data, const char *cn)
{
    for (size_t i = 0; i < data->n_map; i++) {
        if (text_equal(data->map_cns[i], cn))
            return data->map_roles[i];
    }
    return cn;
}
