#include <string.h>

#include "pkg/base/error.h"
#include "pkg/engine/container_make.h"

/* set: NAME=VALUE, replacing one of that name where it stands. */
static void
set (GPtrArray *env, const char *assignment)
{
  size_t length = (size_t) (strchrnul (assignment, '=') - assignment) + 1;
  for (guint i = 0; i < env->len; i++)
    if (strncmp (env->pdata[i], assignment, length) == 0)
      {
        g_free (env->pdata[i]);
        env->pdata[i] = g_strdup (assignment);
        return;
      }
  g_ptr_array_add (env, g_strdup (assignment));
}

static void
set_pair (GPtrArray *env, const char *name, const char *value)
{
  g_autofree char *assignment = g_strconcat (name, "=", value, NULL);
  set (env, assignment);
}

static gboolean
has (GPtrArray *env, const char *name)
{
  size_t length = strlen (name);
  for (guint i = 0; i < env->len; i++)
    if (strncmp (env->pdata[i], name, length) == 0 && ((char *) env->pdata[i])[length] == '=')
      return TRUE;
  return FALSE;
}

static void
add_defaults (const Make *make, GPtrArray *env)
{
  set (env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  /* what programs look for to know that they are in a container; systemd and scripts know the word of podman */
  set (env, "container=podman");
  if (make->options->tty)
    set (env, "TERM=xterm");
}

static void
add_proxies (const Make *make, GPtrArray *env)
{
  static const char *const names[] = { "http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY" };
  for (size_t i = 0; i < G_N_ELEMENTS (names) && make->options->http_proxy; i++)
    if (g_getenv (names[i]) != NULL)
      set_pair (env, names[i], g_getenv (names[i]));
}

gboolean
env_build (const Make *make, char ***ret_env, GError **error)
{
  g_autoptr (GPtrArray) env = g_ptr_array_new_with_free_func (g_free);
  add_defaults (make, env);
  size_t i;
  json_t *item;
  json_array_foreach (json_object_get (make->image_config, "Env"), i, item)
    if (json_is_string (item) && strchr (json_string_value (item), '=') != NULL)
      set (env, json_string_value (item));
  add_proxies (make, env);
  for (char **word = make->options->env; word != NULL && *word != NULL; word++)
    if (strchr (*word, '=') != NULL)
      set (env, *word);
    else if (g_getenv (*word) != NULL)
      set_pair (env, *word, g_getenv (*word));
  if (!has (env, "HOSTNAME"))
    set_pair (env, "HOSTNAME", make->hostname);
  if (!has (env, "HOME"))
    set_pair (env, "HOME", make->user.home);
  g_ptr_array_add (env, NULL);
  *ret_env = (char **) g_ptr_array_free (g_steal_pointer (&env), FALSE);
  return TRUE;
}
