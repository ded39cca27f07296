#include <string.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/engine/container_systemd.h"
#include "pkg/engine/container_notify.h"
#include "pkg/engine/container_make.h"
#include "pkg/engine/container_words.h"
#include "pkg/spec/env.h"

static void
add_defaults (const Make *make, char ***env)
{
  spec_env_set (env, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  /* what programs look for to know that they are in a container; systemd and scripts know the word of podman */
  spec_env_set (env, "container", "podman");
  if (make->options->tty)
    spec_env_set (env, "TERM", "xterm");
}

static void
add_proxies (const Make *make, char ***env)
{
  static const char *const names[] = { "http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY" };
  for (size_t i = 0; i < G_N_ELEMENTS (names) && make->options->http_proxy; i++)
    if (g_getenv (names[i]) != NULL)
      spec_env_set (env, names[i], g_getenv (names[i]));
}

static void
add_image (const Make *make, char ***env)
{
  size_t i;
  json_t *item;
  json_array_foreach (json_object_get (make->image_config, "Env"), i, item)
    {
      const char *text = json_string_value (item);
      const char *equals = text != NULL ? strchr (text, '=') : NULL;
      if (equals == NULL)
        continue;
      g_autofree char *key = g_strndup (text, (gsize) (equals - text));
      spec_env_set (env, key, equals + 1);
    }
}

/* expand: $NAME and ${NAME} by what is there; what is not is nothing. */
static char *
expand (const char *text, char *const *env)
{
  GString *out = g_string_new (NULL);
  for (const char *at = text; *at != '\0';)
    {
      gboolean braced = at[0] == '$' && at[1] == '{';
      const char *name = at + 1 + braced;
      size_t length = 0;
      while (at[0] == '$' && (g_ascii_isalnum (name[length]) || name[length] == '_'))
        length++;
      if (length == 0 || (braced && name[length] != '}'))
        {
          g_string_append_c (out, *at++);
          continue;
        }
      g_autofree char *key = g_strndup (name, length);
      const char *value = spec_env_get ((const char *const *) env, key);
      g_string_append (out, value != NULL ? value : "");
      at = name + length + braced;
    }
  return g_string_free (out, FALSE);
}

/* merge: podman-run(1) --env-merge: over the image's variables. */
static gboolean
merge (const ContainerOptions *options, char ***env, GError **error)
{
  for (char **text = options->env_merge; text != NULL && *text != NULL; text++)
    {
      const char *equals = strchr (*text, '=');
      if (equals == NULL)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "missing `=` for --env-merge substitution %s", *text);
      g_autofree char *key = g_strndup (*text, (gsize) (equals - *text)), *value = expand (equals + 1, *env);
      spec_env_set (env, key, value);
    }
  return TRUE;
}

gboolean
env_given (const ContainerOptions *options, char ***ret_env, GError **error)
{
  g_auto (GStrv) env = NULL;
  for (char **path = options->env_file; path != NULL && *path != NULL; path++)
    if (!spec_env_add_file (&env, *path, (const char *const *) environ, error))
      return FALSE;
  for (char **text = options->env; text != NULL && *text != NULL; text++)
    if (!spec_env_add (&env, *text, (const char *const *) environ, error))
      return FALSE;
  *ret_env = env != NULL ? g_steal_pointer (&env) : g_new0 (char *, 1);
  return TRUE;
}

gboolean
env_build (const Make *make, char ***ret_env, GError **error)
{
  const ContainerOptions *options = make->options;
  g_auto (GStrv) env = NULL, given = NULL;
  add_defaults (make, &env);
  for (char **text = options->default_env; text != NULL && *text != NULL; text++)
    if (!spec_env_add (&env, *text, (const char *const *) environ, error))
      return coracle_prefix (error, "containers.conf: env");
  add_image (make, &env);
  if (!merge (make->options, &env, error))
    return FALSE;
  systemd_env (make, &env);
  add_proxies (make, &env);
  if (options->env_host)
    spec_env_add_all (&env, (const char *const *) environ);
  /* podman-run(1) --unsetenv-all: the defaults, not what the user asks for */
  if (options->unsetenv_all)
    g_clear_pointer (&env, g_strfreev);
  for (char **name = options->unsetenv; name != NULL && *name != NULL; name++)
    spec_env_unset (&env, *name);
  if (!env_given (options, &given, error))
    return FALSE;
  for (char **text = given; *text != NULL; text++)
    if (!spec_env_add (&env, *text, NULL, error))
      return FALSE;
  notify_env (make, &env);
  if (spec_env_get ((const char *const *) env, "HOSTNAME") == NULL)
    spec_env_set (&env, "HOSTNAME", make->hostname);
  if (spec_env_get ((const char *const *) env, "HOME") == NULL)
    spec_env_set (&env, "HOME", make->user.home);
  *ret_env = g_steal_pointer (&env);
  return TRUE;
}

/* add_inherited: what comes from the caller's environment unasked, but for what is unset. */
static void
add_inherited (const Make *make, char ***env)
{
  const ContainerOptions *options = make->options;
  if (options->unsetenv_all)
    return;
  add_proxies (make, env);
  if (options->env_host)
    spec_env_add_all (env, (const char *const *) environ);
  for (char **name = options->unsetenv; name != NULL && *name != NULL; name++)
    spec_env_unset (env, *name);
}

void
env_freeze (const Make *make, json_t *frozen)
{
  g_auto (GStrv) env = NULL, given = NULL;
  add_inherited (make, &env);
  gboolean inherited = env != NULL;
  if (!env_given (make->options, &given, NULL))
    return;
  for (char **text = given; *text != NULL; text++)
    (void) spec_env_add (&env, *text, NULL, NULL);
  if (!inherited && env == NULL)
    return;
  json_object_set_new (frozen, "env", words_to_json (env));
  json_object_del (frozen, "env_file");
  json_object_del (frozen, "env_host");
  if (inherited)
    json_object_set_new (frozen, "http_proxy", json_false ());
}

gboolean
env_renew (const ContainerOptions *options, char ***env, GError **error)
{
  /* these two come back by themselves, see env_build */
  static const char *const own[] = { "HOME", "HOSTNAME", NULL };
  for (char **name = options->unsetenv; name != NULL && *name != NULL; name++)
    if (!g_strv_contains (own, *name))
      spec_env_unset (env, *name);
  for (char **text = options->env; text != NULL && *text != NULL; text++)
    if (!spec_env_add (env, *text, NULL, error))
      return FALSE;
  return TRUE;
}
