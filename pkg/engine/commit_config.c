#include "pkg/engine/commit_config.h"

#include <string.h>

#include "pkg/base/error.h"
#include "pkg/base/path.h"
#include "pkg/engine/container_ports.h"
#include "pkg/image/change.h"
#include "pkg/json/json.h"
#include "pkg/spec/spec.h"

#define SPEC_LIMIT ((size_t) 64 << 20)

/* ---- environment */

static gboolean
same_variable (const char *a, const char *b)
{
  size_t length = strcspn (a, "=");
  return strncmp (a, b, length) == 0 && (b[length] == '=' || b[length] == '\0');
}

static gboolean
has_variable (json_t *env, const char *variable)
{
  size_t i;
  json_t *item;
  json_array_foreach (env, i, item)
    if (json_is_string (item) && same_variable (variable, json_string_value (item)))
      return TRUE;
  return FALSE;
}

/* set_variable: "NAME=VALUE" in its old place, or at the end. */
static void
set_variable (json_t *env, const char *variable)
{
  size_t i;
  json_t *item;
  json_array_foreach (env, i, item)
    if (json_is_string (item) && same_variable (variable, json_string_value (item)))
      {
        (void) json_array_set_new (env, i, json_string (variable));
        return;
      }
  (void) json_array_append_new (env, json_string (variable));
}

static json_t *
member (json_t *config, const char *name, json_t *(*make) (void) )
{
  json_t *value = json_object_get (config, name);
  if (value == NULL || json_is_null (value))
    (void) json_object_set_new (config, name, value = make ());
  return value;
}

/* add_env: what its processes get; but HOME, HOSTNAME and TERM, which are made up for each container, only if the image or the user asked for them. */
static void
add_env (json_t *config, json_t *spec, json_t *options)
{
  static const char *const own[] = { "HOME", "HOSTNAME", "TERM" };
  json_t *env = member (config, "Env", json_array), *item;
  size_t i;
  json_array_foreach (json_object_get (json_object_get (spec, "process"), "env"), i, item)
    {
      const char *variable = json_string_value (item);
      gboolean wanted = TRUE;
      for (size_t k = 0; variable != NULL && k < G_N_ELEMENTS (own); k++)
        if (same_variable (own[k], variable))
          wanted = has_variable (env, variable) || has_variable (json_object_get (options, "env"), variable);
      if (variable != NULL && wanted)
        set_variable (env, variable);
    }
}

/* ---- command */

/* add_command: of its words the last are the command, those before it the entrypoint; the init program is none of them. */
static void
add_command (json_t *config, const StateContainer *row)
{
  json_t *args = json_object_get (row->config, "args"), *command = json_object_get (row->config, "command"), *entrypoint = json_array ();
  size_t n = json_array_size (args), rest = json_array_size (command), from = 0;
  if (g_strcmp0 (json_string_value (json_array_get (args, 0)), "/run/podman-init") == 0)
    from = 2;
  for (size_t i = from; i + rest < n; i++)
    (void) json_array_append (entrypoint, json_array_get (args, i));
  if (json_array_size (entrypoint) > 0)
    (void) json_object_set (config, "Entrypoint", entrypoint);
  else
    (void) json_object_del (config, "Entrypoint");
  json_decref (entrypoint);
  if (rest > 0)
    (void) json_object_set (config, "Cmd", command);
  else
    (void) json_object_del (config, "Cmd");
}

/* ---- volumes, labels, ports */

static gboolean
is_anonymous (const StateContainer *row, const char *name)
{
  size_t i;
  json_t *item;
  json_array_foreach (json_object_get (row->config, "volumes"), i, item)
    if (g_strcmp0 (json_string_value (item), name) == 0)
      return TRUE;
  return FALSE;
}

static void
add_volumes (json_t *config, const StateContainer *row, gboolean all)
{
  size_t i;
  json_t *item;
  json_array_foreach (json_object_get (row->config, "mounts"), i, item)
    {
      const char *name = json_string_value (json_object_get (item, "name")), *destination = json_string_value (json_object_get (item, "destination"));
      const char *type = json_string_value (json_object_get (item, "type"));
      gboolean volume = g_strcmp0 (type, "volume") == 0 || g_strcmp0 (type, "bind") == 0;
      if (destination != NULL && ((all && volume) || (name != NULL && is_anonymous (row, name))))
        (void) json_object_set_new (member (config, "Volumes", json_object), destination, json_object ());
    }
}

static void
add_object (json_t *config, const char *key, json_t *more)
{
  if (json_is_object (more) && json_object_size (more) > 0)
    (void) json_object_update (member (config, key, json_object), more);
}

/* ---- the whole */

void
commit_config_merge (json_t *config, json_t *given)
{
  const char *key;
  json_t *value, *item;
  size_t i;
  json_object_foreach (given, key, value)
    {
      gboolean empty = json_is_null (value) || (json_is_string (value) && json_string_length (value) == 0) || (json_is_array (value) && json_array_size (value) == 0)
                       || (json_is_object (value) && json_object_size (value) == 0) || json_is_false (value);
      if (empty)
        continue;
      if (json_is_object (value) && (strcmp (key, "Labels") == 0 || strcmp (key, "Volumes") == 0 || strcmp (key, "ExposedPorts") == 0))
        add_object (config, key, value);
      else if (strcmp (key, "Env") == 0)
        json_array_foreach (value, i, item)
          {
            if (json_is_string (item))
              set_variable (member (config, "Env", json_array), json_string_value (item));
          }
      else
        (void) json_object_set (config, key, value);
    }
}

/* check_given: the form of --config, before it reaches an image. */
static json_t *
parse_given (const char *text, GError **error)
{
  static const char *const arrays[] = { "Env", "Cmd", "Entrypoint", "OnBuild", "Shell" }, *const objects[] = { "Labels", "Volumes", "ExposedPorts", "Healthcheck" },
                           *const texts[] = { "User", "WorkingDir", "StopSignal", "Hostname", "Domainname", "Image" };
  if (text == NULL || *text == '\0')
    return json_object ();
  json_t *given = json_parse_bounded (text, strlen (text), 4 << 20, JSON_PARSE_DEFAULT, error);
  gboolean ok = json_is_object (given);
  for (size_t i = 0; ok && i < G_N_ELEMENTS (arrays); i++)
    {
      json_t *value = json_object_get (given, arrays[i]), *item;
      size_t k;
      ok = value == NULL || json_is_null (value) || json_is_array (value);
      json_array_foreach (value, k, item)
        ok = ok && json_is_string (item);
    }
  for (size_t i = 0; ok && i < G_N_ELEMENTS (objects); i++)
    ok = json_object_get (given, objects[i]) == NULL || json_is_null (json_object_get (given, objects[i])) || json_is_object (json_object_get (given, objects[i]));
  for (size_t i = 0; ok && i < G_N_ELEMENTS (texts); i++)
    ok = json_object_get (given, texts[i]) == NULL || json_is_null (json_object_get (given, texts[i])) || json_is_string (json_object_get (given, texts[i]));
  if (ok)
    return given;
  if (given != NULL)
    coracle_throw (error, CORACLE_ERROR_INVALID, "not an image's config");
  coracle_prefix (error, "--config");
  json_decref (given);
  return NULL;
}

static json_t *
read_spec (Storage *storage, const char *id)
{
  g_autofree char *path = g_strdup_printf ("containers/%s/config.json", id), *text = NULL;
  size_t size;
  if (!path_read_file (storage->root_fd, path, SPEC_LIMIT, &text, &size, NULL))
    return NULL;
  spec_fold (text);
  return json_parse_bounded (text, size, SPEC_LIMIT, JSON_PARSE_DEFAULT, NULL);
}

static void
add_container (json_t *config, Storage *storage, const StateContainer *row, const ContainerCommit *request)
{
  json_auto_t *spec = read_spec (storage, row->id);
  json_t *options = json_object_get (row->config, "options"), *process = json_object_get (spec, "process");
  const char *user = json_string_value (json_object_get (options, "user"));
  add_env (config, spec, options);
  add_command (config, row);
  add_volumes (config, row, request->include_volumes);
  add_object (config, "Labels", json_object_get (row->config, "labels"));
  json_auto_t *exposed = container_ports_exposed (row);
  add_object (config, "ExposedPorts", exposed);
  if (json_is_string (json_object_get (process, "cwd")))
    (void) json_object_set (config, "WorkingDir", json_object_get (process, "cwd"));
  if (user != NULL)
    (void) json_object_set_new (config, "User", json_string (user));
}

json_t *
commit_config_make (Storage *storage, const StateContainer *row, const StateImage *image, const ContainerCommit *request, GError **error)
{
  json_auto_t *given = parse_given (request->config, error);
  if (given == NULL)
    return NULL;
  json_auto_t *base = json_loads (image->config, 0, NULL);
  if (!json_is_object (base))
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "image %.12s: its config", image->id), NULL;
  json_t *config = json_object_get (base, "config");
  if (!json_is_object (config))
    (void) json_object_set_new (base, "config", config = json_object ());
  add_container (config, storage, row, request);
  commit_config_merge (config, given);
  for (const char *const *change = request->changes; change != NULL && *change != NULL; change++)
    if (!image_change_apply (config, *change, error))
      return NULL;
  if (request->squash)
    (void) json_object_del (base, "history");
  if (request->author != NULL && *request->author != '\0')
    (void) json_object_set_new (base, "author", json_string (request->author));
  if (request->message != NULL && *request->message != '\0')
    (void) json_object_set_new (base, "comment", json_string (request->message));
  return json_incref (base);
}
