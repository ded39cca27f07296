#include "pkg/engine/container_words.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/seccomp/caps.h"

char **
words_from_json (json_t *array)
{
  GStrvBuilder *builder = g_strv_builder_new ();
  size_t i;
  json_t *item;
  json_array_foreach (array, i, item)
    if (json_is_string (item))
      g_strv_builder_add (builder, json_string_value (item));
  char **words = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);
  return words;
}

json_t *
words_to_json (char **words)
{
  json_t *array = json_array ();
  for (; words != NULL && *words != NULL; words++)
    json_array_append_new (array, json_string (*words));
  return array;
}

char **
words_entrypoint (const char *given, json_t *image, GError **error)
{
  if (given == NULL)
    return words_from_json (image);
  if (given[0] == '\0')
    return g_new0 (char *, 1);
  if (given[0] != '[')
    return g_strdupv ((char *[]){ (char *) given, NULL });
  /* what is not JSON is a command whose name starts with a bracket, as podman takes it */
  json_auto_t *array = json_loads (given, 0, NULL);
  return json_is_array (array) ? words_from_json (array) : g_strdupv ((char *[]){ (char *) given, NULL });
}

gboolean
words_network (const ContainerOptions *options, NetworkKind *ret_kind, char **ret_path, GError **error)
{
  static const struct {
    const char *name;
    NetworkKind kind;
  } kinds[] = { { "slirp", NETWORK_SLIRP }, { "slirp4netns", NETWORK_SLIRP }, { "private", NETWORK_SLIRP }, { "default", NETWORK_SLIRP }, { "", NETWORK_SLIRP },
                { "none", NETWORK_NONE },   { "host", NETWORK_HOST } };
  const char *text = options->network != NULL ? options->network : "";
  *ret_path = NULL;
  if (g_str_has_prefix (text, "ns:"))
    {
      *ret_kind = NETWORK_PATH;
      *ret_path = g_strdup (text + 3);
      return TRUE;
    }
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (text, kinds[i].name) == 0)
      {
        *ret_kind = kinds[i].kind;
        return TRUE;
      }
  return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "network \"%s\": unsupported: this version has slirp, none, host and ns:PATH", text);
}

gboolean
words_caps (const ContainerOptions *options, uint64_t *ret_caps, GError **error)
{
  uint64_t base = options->privileged ? caps_all () : caps_default ();
  return caps_merge (base, (const char *const *) options->cap_add, (const char *const *) options->cap_drop, ret_caps, error);
}

/* ---- --security-opt */

void
security_words_clear (SecurityWords *words)
{
  g_clear_pointer (&words->seccomp, g_free);
  g_clear_pointer (&words->mask, g_strfreev);
  g_clear_pointer (&words->unmask, g_strfreev);
  g_clear_pointer (&words->proc_options, g_free);
}

gboolean
words_security (const ContainerOptions *options, SecurityWords *ret_words, GError **error)
{
  return TRUE;
}

/* ---- namespaces and the rest of the spec */

void
spec_words_clear (SpecWords *words)
{
  json_decref (words->rlimits);
  json_decref (words->sysctl);
  json_decref (words->annotations);
  json_decref (words->devices);
  json_decref (words->hooks);
}

static gboolean
parse_namespace (const char *flag, const char *text, SpecNamespace *ret_space, GError **error)
{
  *ret_space = (SpecNamespace){ SPEC_PRIVATE, NULL };
  if (text == NULL || text[0] == '\0' || strcmp (text, "private") == 0)
    return TRUE;
  if (strcmp (text, "host") == 0)
    ret_space->kind = SPEC_HOST;
  else if (g_str_has_prefix (text, "ns:") && text[3] == '/')
    *ret_space = (SpecNamespace){ SPEC_PATH, text + 3 };
  else
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid argument \"%s\" for \"--%s\": unrecognized namespace mode %s passed: private, host and ns:PATH are known here", text, flag, text);
  return TRUE;
}

static gboolean
parse_namespaces (const ContainerOptions *options, SpecWords *words, GError **error)
{
  const char *ipc = options->ipc;
  if (g_strcmp0 (ipc, "shareable") == 0 || g_strcmp0 (ipc, "none") == 0)
    ipc = "private";
  return parse_namespace ("pid", options->pid, &words->pid, error) && parse_namespace ("ipc", ipc, &words->ipc, error)
         && parse_namespace ("uts", options->uts, &words->uts, error) && parse_namespace ("cgroupns", options->cgroupns, &words->cgroup, error);
}

static gboolean
parse_umask (const char *text, uint32_t *ret_umask, GError **error)
{
  *ret_umask = 022;
  if (text == NULL || text[0] == '\0')
    return TRUE;
  guint64 value;
  if (!g_ascii_string_to_unsigned (text, 8, 0, 07777, &value, NULL) || strlen (text) > 4)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid umask string %s: must be octal, at most 4 digits", text);
  *ret_umask = (uint32_t) value;
  return TRUE;
}

gboolean
words_spec (const Make *make, SpecWords *ret_words, GError **error)
{
  return parse_namespaces (make->options, ret_words, error) && parse_umask (make->options->umask, &ret_words->umask, error);
}

gboolean
words_hosts (const ContainerOptions *options, char ***ret_lines, GError **error)
{
  *ret_lines = g_new0 (char *, 1);
  return TRUE;
}

char **
words_groups (const ContainerOptions *options)
{
  GStrvBuilder *builder = g_strv_builder_new ();
  for (char **name = options->group_add; name != NULL && *name != NULL; name++)
    if (strcmp (*name, "keep-groups") != 0)
      g_strv_builder_add (builder, *name);
  char **groups = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);
  return groups;
}

gboolean
words_keep_groups (const ContainerOptions *options)
{
  return options->group_add != NULL && g_strv_contains ((const char *const *) options->group_add, "keep-groups");
}

char *
words_hostname (const Make *make)
{
  if (make->options->hostname != NULL)
    return g_strdup (make->options->hostname);
  char name[65] = "localhost";
  if (g_strcmp0 (make->options->uts, "host") == 0 && gethostname (name, sizeof name - 1) == 0)
    return g_strdup (name);
  return g_strndup (make->id, 12);
}
