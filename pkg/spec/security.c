#include "pkg/spec/security.h"

#include "pkg/base/error.h"

#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  SpecSecurity *security;
  GPtrArray *mask, *unmask, *proc_options, *labels;
} Collect;

void
spec_security_free (SpecSecurity *security)
{
  if (security == NULL)
    return;
  g_free (security->seccomp);
  g_strfreev (security->mask);
  g_strfreev (security->unmask);
  g_strfreev (security->proc_options);
  g_strfreev (security->labels);
  g_free (security);
}

static gboolean
set_seccomp (Collect *collect, const char *value, GError **error)
{
  g_free (collect->security->seccomp);
  collect->security->seccomp = g_strdup (value);
  return TRUE;
}

static gboolean
set_no_new_privileges (Collect *collect, const char *value, GError **error)
{
  if (value != NULL && strcmp (value, "true") != 0 && strcmp (value, "false") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "no-new-privileges: \"%s\" must be \"true\" or \"false\"", value);
  collect->security->no_new_privileges = value == NULL || *value == 't';
  return TRUE;
}

static gboolean
paths_add (GPtrArray *list, const char *value, GError **error)
{
  g_auto (GStrv) paths = g_strsplit (value, ":", -1);
  for (char **path = paths; *path != NULL; path++)
    {
      g_auto (GStrv) parts = g_strsplit (*path, "/", -1);
      if (**path != '/' || g_strv_contains ((const char *const *) parts, ".."))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "\"%s\" must be an absolute path", *path);
      g_ptr_array_add (list, g_strdup (*path));
    }
  return TRUE;
}

static gboolean
set_mask (Collect *collect, const char *value, GError **error)
{
  return paths_add (collect->mask, value, error) || coracle_prefix (error, "mask");
}

static gboolean
set_unmask (Collect *collect, const char *value, GError **error)
{
  if (g_ascii_strcasecmp (value, "all") == 0)
    return collect->security->unmask_all = TRUE;
  return paths_add (collect->unmask, value, error) || coracle_prefix (error, "unmask");
}

static gboolean
set_systempaths (Collect *collect, const char *value, GError **error)
{
  if (strcmp (value, "unconfined") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "systempaths: \"%s\" must be \"unconfined\"", value);
  return collect->security->unmask_all = TRUE;
}

static gboolean
set_proc_options (Collect *collect, const char *value, GError **error)
{
  g_auto (GStrv) words = g_strsplit (value, ",", -1);
  for (char **word = words; *word != NULL; word++)
    {
      if (**word == '\0')
        return coracle_throw (error, CORACLE_ERROR_INVALID, "proc-opts: an empty option in \"%s\"", value);
      g_ptr_array_add (collect->proc_options, g_strdup (*word));
    }
  return TRUE;
}

/* Turning a confinement off that the kernel does not have is done already; asking for one it does not have cannot be. */
static gboolean
set_apparmor (Collect *collect, const char *value, GError **error)
{
  if (strcmp (value, "unconfined") == 0)
    return TRUE;
  if (access ("/sys/kernel/security/apparmor", F_OK) < 0 && access ("/sys/module/apparmor/parameters/enabled", F_OK) < 0)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "apparmor profile \"%s\" specified, but Apparmor is not enabled", value);
  return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "apparmor profile \"%s\": loading AppArmor profiles is not supported", value);
}

static gboolean
set_label (Collect *collect, const char *value, GError **error)
{
  static const char *const kinds[] = { "user:", "role:", "type:", "level:", "filetype:" };
  gboolean known = strcmp (value, "disable") == 0;
  g_ptr_array_add (collect->labels, g_strdup (value));
  if (known)
    return TRUE;
  known = strcmp (value, "nested") == 0;
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    known |= g_str_has_prefix (value, kinds[i]) && value[strlen (kinds[i])] != '\0';
  if (!known)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid label \"%s\"", value);
  return access ("/sys/fs/selinux/enforce", F_OK) == 0
         || coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "label \"%s\" specified, but SELinux is not enabled", value);
}

static const struct {
  const char *key;
  gboolean needs_value;
  gboolean (*set) (Collect *collect, const char *value, GError **error);
} keys[] = {
  { "seccomp", TRUE, set_seccomp },         { "no-new-privileges", FALSE, set_no_new_privileges },
  { "mask", TRUE, set_mask },               { "unmask", TRUE, set_unmask },
  { "systempaths", TRUE, set_systempaths }, { "proc-opts", TRUE, set_proc_options },
  { "apparmor", TRUE, set_apparmor },       { "label", TRUE, set_label },
};

static gboolean
option_parse (Collect *collect, const char *text, GError **error)
{
  const char *separator = strpbrk (text, "=:");
  const size_t length = separator != NULL ? (size_t) (separator - text) : strlen (text);
  for (size_t i = 0; i < G_N_ELEMENTS (keys); i++)
    if (strlen (keys[i].key) == length && strncmp (keys[i].key, text, length) == 0)
      {
        const char *value = separator != NULL ? separator + 1 : NULL;
        if (value == NULL ? keys[i].needs_value : *value == '\0')
          return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid --security-opt 1: \"%s\"", text);
        return keys[i].set (collect, value, error) || coracle_prefix (error, "--security-opt");
      }
  return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid --security-opt 2: \"%s\"", text);
}

static char **
list_end (GPtrArray *list)
{
  g_ptr_array_add (list, NULL);
  return (char **) g_ptr_array_free (list, FALSE);
}

SpecSecurity *
spec_security_parse (const char *const *texts, GError **error)
{
  g_autoptr (SpecSecurity) security = g_new0 (SpecSecurity, 1);
  Collect collect = { security, g_ptr_array_new (), g_ptr_array_new (), g_ptr_array_new (), g_ptr_array_new () };
  gboolean ok = TRUE;
  for (; ok && texts != NULL && *texts != NULL; texts++)
    ok = option_parse (&collect, *texts, error);
  security->mask = list_end (collect.mask);
  security->unmask = list_end (collect.unmask);
  security->proc_options = list_end (collect.proc_options);
  security->labels = list_end (collect.labels);
  return ok ? g_steal_pointer (&security) : NULL;
}

gboolean
spec_security_unmasks (const SpecSecurity *security, const char *path)
{
  if (security->unmask_all)
    return TRUE;
  for (char **pattern = security->unmask; *pattern != NULL; pattern++)
    if (fnmatch (*pattern, path, FNM_PATHNAME) == 0)
      return TRUE;
  return FALSE;
}
