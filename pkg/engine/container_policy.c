#include "pkg/engine/container_policy.h"

#include <string.h>

#include "pkg/base/error.h"

static const char *const names[] = { [POLICY_NO] = "no", [POLICY_ON_FAILURE] = "on-failure", [POLICY_ALWAYS] = "always", [POLICY_UNLESS_STOPPED] = "unless-stopped" };

gboolean
policy_parse (const char *text, Policy *ret_policy, GError **error)
{
  *ret_policy = (Policy){ POLICY_NO, 0 };
  g_auto (GStrv) words = g_strsplit (text != NULL ? text : "", ":", -1);
  const char *name = words[0] != NULL ? words[0] : "";
  gint64 retries = 0;
  if (words[0] != NULL && words[1] != NULL)
    {
      gint64 number;
      if (words[2] != NULL)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid restart policy: may specify retries at most once");
      if (strcmp (name, names[POLICY_ON_FAILURE]) != 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "restart policy retries can only be specified with on-failure restart policy");
      if (!g_ascii_string_to_signed (words[1], 10, G_MININT32, G_MAXINT32, &number, NULL))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "parsing restart policy retry count: strconv.Atoi: parsing \"%s\": invalid syntax", words[1]);
      if (number < 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "must specify restart policy retry count as a number greater than 0");
      retries = number;
    }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (name, names[i]) == 0 || (i == POLICY_NO && name[0] == '\0'))
      {
        *ret_policy = (Policy){ (PolicyKind) i, (guint) retries };
        return TRUE;
      }
  return coracle_throw (error, CORACLE_ERROR_INVALID, "\"%s\" is not a valid restart policy: invalid argument", name);
}

const char *
policy_name (const Policy *policy)
{
  return names[policy->kind];
}

Policy
policy_of (StateContainer *row)
{
  Policy policy;
  state_container_read_config (row);
  (void) policy_parse (json_string_value (json_object_get (json_object_get (row->config, "options"), "restart")), &policy, NULL);
  return policy;
}

gboolean
policy_wants (StateContainer *row, int exit_code)
{
  Policy policy = policy_of (row);
  if (json_is_true (json_object_get (row->config, "stopped_by_user")))
    return FALSE;
  if (policy.kind != POLICY_ON_FAILURE)
    return policy.kind != POLICY_NO;
  return exit_code != 0 && (policy.retries == 0 || json_integer_value (json_object_get (row->config, "restart_count")) < (gint64) policy.retries);
}
