#include "pkg/seccomp/internal.h"

#include "pkg/base/error.h"
#include "pkg/seccomp/caps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/* A profile names some 500 calls; what is far beyond is a mistake or an attack on our memory. */
#define MAX_RULES 10000
#define MAX_NAMES 20000
#define MAX_ARGS 64

json_t *
profile_parse (const char *text, size_t size, GError **error)
{
  json_error_t wrong;
  json_t *profile = json_loadb (text, size, 0, &wrong);
  if (profile == NULL)
    coracle_throw (error, CORACLE_ERROR_INVALID, "line %d, column %d: %s", wrong.line, wrong.column, wrong.text);
  else if (!json_is_object (profile))
    {
      g_clear_pointer (&profile, json_decref);
      coracle_throw (error, CORACLE_ERROR_INVALID, "a seccomp profile must be a JSON object");
    }
  return profile;
}

/* A member that may be missing or null; else it must be of @type. *@ret stays NULL when it is absent. */
static gboolean
member (json_t *object, const char *name, json_type type, json_t **ret, GError **error)
{
  static const char *const types[] = { "an object", "an array", "a string", "an integer", "a real", "true", "false", "null" };
  json_t *value = json_object_get (object, name);
  if (value != NULL && !json_is_null (value))
    {
      if (json_typeof (value) != type)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: must be %s", name, types[type]);
      *ret = value;
    }
  return TRUE;
}

static gboolean
is_short_string (json_t *value)
{
  return json_is_string (value) && json_string_length (value) > 0 && json_string_length (value) < 256;
}

static gboolean
strings_check (json_t *array, const char *name, GError **error)
{
  size_t i;
  json_t *value;
  if (json_array_size (array) > MAX_NAMES)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: more than %d entries", name, MAX_NAMES);
  json_array_foreach (array, i, value)
    if (!is_short_string (value))
      return coracle_throw (error, CORACLE_ERROR_INVALID, "%s[%zu]: must be a string of 1 to 255 characters", name, i);
  return TRUE;
}

static gboolean
array_has (json_t *array, const char *text)
{
  size_t i;
  json_t *value;
  json_array_foreach (array, i, value)
    if (strcmp (json_string_value (value), text) == 0)
      return TRUE;
  return FALSE;
}

/* "EPERM" → 1; 0 if there is none of that name. */
static int
errno_parse (const char *name)
{
  for (int e = 1; e < 256; e++)
    {
      const char *known = strerrorname_np (e);
      if (known != NULL && strcmp (known, name) == 0)
        return e;
    }
  return 0;
}

/* The errno that @number_key or @name_key of @object gives (the name wins, as in Podman); *@ret untouched without either. */
static gboolean
errno_member (json_t *object, const char *number_key, const char *name_key, json_int_t *ret, GError **error)
{
  json_t *number = NULL, *name = NULL;
  if (!member (object, number_key, JSON_INTEGER, &number, error) || !member (object, name_key, JSON_STRING, &name, error))
    return FALSE;
  if (number != NULL)
    {
      *ret = json_integer_value (number);
      if (*ret < 0 || *ret > 4095)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: %lld is no errno", number_key, (long long) *ret);
    }
  if (name != NULL && json_string_length (name) > 0)
    {
      *ret = errno_parse (json_string_value (name));
      if (*ret == 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: unknown errno \"%s\"", name_key, json_string_value (name));
    }
  return TRUE;
}

static gboolean
action_member (json_t *object, const char *key, json_t **ret, GError **error)
{
  json_t *action = NULL;
  if (!member (object, key, JSON_STRING, &action, error))
    return FALSE;
  if (action == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: missing", key);
  const char *name = json_string_value (action);
  if (action_parse (name) < 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: unknown action \"%s\"", key, name);
  if (strcmp (name, "SCMP_ACT_NOTIFY") == 0)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "%s: SCMP_ACT_NOTIFY needs a listener, which is not supported", key);
  *ret = action;
  return TRUE;
}

static gboolean
arg_resolve (json_t *arg, json_t *oci_args, GError **error)
{
  static const char *const numbers[] = { "index", "value", "valueTwo" };
  if (!json_is_object (arg))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "must be an object");
  json_t *op = NULL, *value[3] = { NULL, NULL, NULL };
  for (size_t i = 0; i < 3; i++)
    if (!member (arg, numbers[i], JSON_INTEGER, &value[i], error))
      return FALSE;
  if (!member (arg, "op", JSON_STRING, &op, error))
    return FALSE;
  json_int_t index = json_integer_value (value[0]);
  if (index < 0 || index > 5)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "index: %lld is not between 0 and 5", (long long) index);
  if (op == NULL || compare_parse (json_string_value (op)) < 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "op: unknown comparison \"%s\"", op != NULL ? json_string_value (op) : "");
  json_t *made = json_pack ("{sIsIsO}", "index", index, "value", json_integer_value (value[1]), "op", op);
  if (value[2] != NULL && json_integer_value (value[2]) != 0)
    json_object_set (made, "valueTwo", value[2]);
  json_array_append_new (oci_args, made);
  return TRUE;
}

static gboolean
args_resolve (json_t *rule, json_t *oci_rule, GError **error)
{
  json_t *args = NULL;
  if (!member (rule, "args", JSON_ARRAY, &args, error))
    return FALSE;
  if (json_array_size (args) == 0)
    return TRUE;
  if (json_array_size (args) > MAX_ARGS)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "args: more than %d entries", MAX_ARGS);
  json_t *made = json_array ();
  json_object_set_new (oci_rule, "args", made);
  size_t i;
  json_t *arg;
  json_array_foreach (args, i, arg)
    if (!arg_resolve (arg, made, error))
      return coracle_prefix (error, "args[%zu]", i);
  return TRUE;
}

/* 1 if this kernel is @least ("4.8") or newer, 0 if older, -1 if that is no version. */
static int
kernel_at_least (const char *least)
{
  unsigned want[2], have[2];
  int end = 0;
  struct utsname uts;
  if (sscanf (least, "%4u.%4u%n", &want[0], &want[1], &end) != 2 || least[end] != '\0')
    return -1;
  if (uname (&uts) < 0 || sscanf (uts.release, "%u.%u", &have[0], &have[1]) != 2)
    return -1;
  return have[0] > want[0] || (have[0] == want[0] && have[1] >= want[1]);
}

static gboolean
caps_hold (json_t *list, uint64_t caps, gboolean all)
{
  size_t i;
  json_t *value;
  json_array_foreach (list, i, value)
    {
      int cap = caps_parse (json_string_value (value));
      gboolean has = cap >= 0 && (caps & (UINT64_C (1) << cap)) != 0;
      if (has != all)
        return !all;
    }
  return all;
}

/* Does "includes" (@including) or "excludes" of @rule keep it? includes: every condition holds; excludes: none does. */
static gboolean
condition_check (json_t *rule, const char *key, gboolean including, uint64_t caps, gboolean *keep, GError **error)
{
  json_t *condition = NULL, *list = NULL, *arches = NULL, *kernel = NULL;
  if (!member (rule, key, JSON_OBJECT, &condition, error))
    return FALSE;
  if (condition == NULL)
    return TRUE;
  if (!member (condition, "caps", JSON_ARRAY, &list, error) || !member (condition, "arches", JSON_ARRAY, &arches, error)
      || !member (condition, "minKernel", JSON_STRING, &kernel, error) || !strings_check (list, "caps", error)
      || !strings_check (arches, "arches", error))
    return coracle_prefix (error, "%s", key);
  if (json_array_size (list) > 0 && caps_hold (list, caps, including) != including)
    *keep = FALSE;
  if (json_array_size (arches) > 0 && array_has (arches, arch_native_short ()) != including)
    *keep = FALSE;
  if (kernel != NULL && json_string_length (kernel) > 0)
    {
      int newer = kernel_at_least (json_string_value (kernel));
      if (newer < 0)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "%s: minKernel: \"%s\" is no version", key, json_string_value (kernel));
      if (newer != including)
        *keep = FALSE;
    }
  return TRUE;
}

static gboolean
names_resolve (json_t *rule, json_t *oci_rule, size_t *total, GError **error)
{
  json_t *name = NULL, *names = NULL;
  if (!member (rule, "name", JSON_STRING, &name, error) || !member (rule, "names", JSON_ARRAY, &names, error)
      || !strings_check (names, "names", error))
    return FALSE;
  if (name != NULL && json_array_size (names) > 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "'name' and 'names' were specified in the seccomp profile, use either 'name' or 'names'");
  if (name != NULL && !is_short_string (name))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "name: must be a string of 1 to 255 characters");
  if (name == NULL && json_array_size (names) == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "names: missing");
  *total += name != NULL ? 1 : json_array_size (names);
  if (*total > MAX_NAMES)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "more than %d names in the profile", MAX_NAMES);
  return json_object_set_new (oci_rule, "names", name != NULL ? json_pack ("[O]", name) : json_incref (names)) == 0;
}

/* A rule is checked in full even when its conditions do not hold, so that a profile is wrong everywhere or nowhere. */
static gboolean
rule_resolve (json_t *rule, uint64_t caps, json_t *oci_rules, size_t *total, GError **error)
{
  if (!json_is_object (rule))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "must be an object");
  json_t *made = json_object (), *action = NULL;
  json_int_t number = -1;
  gboolean keep = TRUE;
  gboolean ok = names_resolve (rule, made, total, error) && action_member (rule, "action", &action, error)
                && errno_member (rule, "errnoRet", "errno", &number, error) && args_resolve (rule, made, error)
                && condition_check (rule, "includes", TRUE, caps, &keep, error)
                && condition_check (rule, "excludes", FALSE, caps, &keep, error);
  if (ok && keep)
    {
      json_object_set (made, "action", action);
      if (number >= 0)
        json_object_set_new (made, "errnoRet", json_integer (number));
      json_array_append (oci_rules, made);
    }
  json_decref (made);
  return ok;
}

static gboolean
rules_resolve (json_t *profile, uint64_t caps, json_t *oci, GError **error)
{
  json_t *rules = NULL;
  if (!member (profile, "syscalls", JSON_ARRAY, &rules, error))
    return FALSE;
  if (json_array_size (rules) > MAX_RULES)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "syscalls: more than %d entries", MAX_RULES);
  json_t *made = json_array (), *rule;
  json_object_set_new (oci, "syscalls", made);
  size_t i, total = 0;
  json_array_foreach (rules, i, rule)
    if (!rule_resolve (rule, caps, made, &total, error))
      return coracle_prefix (error, "syscalls[%zu]", i);
  return TRUE;
}

/* The native architecture's entry of "archMap", with the ones that come along. */
static gboolean
arch_map_resolve (json_t *map, json_t *oci_arches, GError **error)
{
  size_t i, k;
  json_t *entry, *sub;
  json_array_foreach (map, i, entry)
    {
      json_t *name = NULL, *subs = NULL;
      if (!json_is_object (entry))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "archMap[%zu]: must be an object", i);
      if (!member (entry, "architecture", JSON_STRING, &name, error) || !member (entry, "subArchitectures", JSON_ARRAY, &subs, error)
          || !strings_check (subs, "subArchitectures", error))
        return coracle_prefix (error, "archMap[%zu]", i);
      if (name == NULL || strcmp (json_string_value (name), arch_native ()) != 0)
        continue;
      json_array_append (oci_arches, name);
      json_array_foreach (subs, k, sub)
        json_array_append (oci_arches, sub);
      return TRUE;
    }
  return TRUE;
}

static gboolean
arches_resolve (json_t *profile, json_t *oci, GError **error)
{
  json_t *map = NULL, *list = NULL;
  if (!member (profile, "archMap", JSON_ARRAY, &map, error) || !member (profile, "architectures", JSON_ARRAY, &list, error)
      || !strings_check (list, "architectures", error))
    return FALSE;
  if (json_array_size (map) > 0 && json_array_size (list) > 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID,
                          "'architectures' and 'archMap' were specified in the seccomp profile, use either 'architectures' or 'archMap'");
  json_t *made = list != NULL ? json_copy (list) : json_array ();
  json_object_set_new (oci, "architectures", made);
  if (!arch_map_resolve (map, made, error))
    return FALSE;
  size_t i;
  json_t *value;
  json_array_foreach (made, i, value)
    if (arch_parse (json_string_value (value)) == 0)
      return coracle_throw (error, CORACLE_ERROR_INVALID, "unknown architecture \"%s\"", json_string_value (value));
  if (json_array_size (made) == 0)
    json_object_del (oci, "architectures");
  return TRUE;
}

static gboolean
flags_resolve (json_t *profile, json_t *oci, GError **error)
{
  json_t *list = NULL, *listener = NULL, *flag;
  size_t i;
  if (!member (profile, "listenerPath", JSON_STRING, &listener, error) || !member (profile, "flags", JSON_ARRAY, &list, error)
      || !strings_check (list, "flags", error))
    return FALSE;
  if (listener != NULL && json_string_length (listener) > 0)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "listenerPath: seccomp listeners are not supported");
  json_array_foreach (list, i, flag)
    if (flag_parse (json_string_value (flag)) == 0)
      return coracle_throw (error, CORACLE_ERROR_INVALID, "flags[%zu]: unknown flag \"%s\"", i, json_string_value (flag));
  if (json_array_size (list) > 0)
    json_object_set (oci, "flags", list);
  return TRUE;
}

json_t *
profile_resolve (json_t *profile, uint64_t caps, GError **error)
{
  json_t *oci = json_object (), *action = NULL;
  json_int_t number = -1;
  if (!action_member (profile, "defaultAction", &action, error)
      || !errno_member (profile, "defaultErrnoRet", "defaultErrno", &number, error) || !arches_resolve (profile, oci, error)
      || !flags_resolve (profile, oci, error) || !rules_resolve (profile, caps, oci, error))
    {
      json_decref (oci);
      return NULL;
    }
  json_object_set (oci, "defaultAction", action);
  if (number >= 0)
    json_object_set_new (oci, "defaultErrnoRet", json_integer (number));
  return oci;
}
