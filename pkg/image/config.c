#include "pkg/image/config.h"

#include "pkg/base/error.h"
#include "pkg/image/digest.h"
#include "pkg/image/manifest.h"
#include "pkg/json/json.h"

#define STRINGS_LIMIT 65536

void
image_config_free (ImageConfig *config)
{
  if (config == NULL)
    return;
  g_free (config->architecture);
  g_free (config->os);
  g_free (config->variant);
  g_free (config->author);
  g_strfreev (config->diff_ids);
  g_free (config->user);
  g_free (config->working_dir);
  g_free (config->stop_signal);
  g_strfreev (config->env);
  g_strfreev (config->entrypoint);
  g_strfreev (config->cmd);
  g_strfreev (config->volumes);
  g_strfreev (config->exposed_ports);
  json_decref (config->json);
  g_free (config);
}

static gboolean
get_texts (ImageConfig *config, GError **error)
{
  struct { const char *path; char **to; } fields[] = {
    { "architecture", &config->architecture }, { "os", &config->os }, { "variant", &config->variant }, { "author", &config->author },
    { "config.User", &config->user }, { "config.WorkingDir", &config->working_dir }, { "config.StopSignal", &config->stop_signal },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      const char *text = NULL;
      if (!json_get_string (config->json, fields[i].path, &text, error))
        return FALSE;
      if (text != NULL && text[0] != '\0')
        *fields[i].to = g_strdup (text);
    }
  ImagePlatform host = image_platform_host ();
  if (config->architecture == NULL)
    config->architecture = g_strdup (host.architecture);
  if (config->os == NULL)
    config->os = g_strdup (host.os);
  return TRUE;
}

static gboolean
get_keys (json_t *root, const char *path, char ***ret, GError **error)
{
  json_t *object = NULL, *value;
  const char *key;
  if (!json_get_object (root, path, &object, error))
    return FALSE;
  g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func (g_free);
  json_object_foreach (object, key, value)
    g_ptr_array_add (keys, g_strdup (key));
  g_ptr_array_add (keys, NULL);
  *ret = (char **) g_ptr_array_free (g_steal_pointer (&keys), FALSE);
  return TRUE;
}

/* get_created: RFC 3339; what is before the epoch (Go's zero time) counts as nothing. */
static gboolean
get_created (ImageConfig *config, GError **error)
{
  const char *text = NULL;
  if (!json_get_string (config->json, "created", &text, error))
    return FALSE;
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();
  g_autoptr (GDateTime) time = text == NULL ? NULL : g_date_time_new_from_iso8601 (text, utc);
  if (time != NULL)
    config->created = MAX (0, g_date_time_to_unix (time));
  return TRUE;
}

static gboolean
get_lists (ImageConfig *config, GError **error)
{
  if (!json_get_strv (config->json, "rootfs.diff_ids", IMAGE_LAYERS_LIMIT, &config->diff_ids, error) ||
      !json_get_strv (config->json, "config.Env", STRINGS_LIMIT, &config->env, error) ||
      !json_get_strv (config->json, "config.Entrypoint", STRINGS_LIMIT, &config->entrypoint, error) ||
      !json_get_strv (config->json, "config.Cmd", STRINGS_LIMIT, &config->cmd, error) ||
      !get_keys (config->json, "config.Volumes", &config->volumes, error) || !get_keys (config->json, "config.ExposedPorts", &config->exposed_ports, error) ||
      !json_get_map (config->json, "config.Labels", &config->labels, error) || !json_get_object (config->json, "config.Healthcheck", &config->healthcheck, error) ||
      !json_get_array (config->json, "history", &config->history, error))
    return FALSE;
  if (config->diff_ids == NULL)
    config->diff_ids = g_new0 (char *, 1);
  if (config->env == NULL)
    config->env = g_new0 (char *, 1);
  for (char **id = config->diff_ids; *id != NULL; id++)
    if (!image_digest_is_sha256 (*id))
      return coracle_throw (error, CORACLE_ERROR_CORRUPT, "rootfs.diff_ids[%d]: not a valid sha256 digest", (int) (id - config->diff_ids));
  json_t *item;
  size_t i;
  json_array_foreach (config->history, i, item)
    if (!json_is_object (item))
      return coracle_throw (error, CORACLE_ERROR_CORRUPT, "history[%zu]: not an object", i);
  return TRUE;
}

ImageConfig *
image_config_parse (const char *data, size_t size, GError **error)
{
  g_autoptr (ImageConfig) config = g_new0 (ImageConfig, 1);
  config->json = json_parse_bounded (data, size, IMAGE_CONFIG_LIMIT, JSON_PARSE_DEFAULT, error);
  if (config->json == NULL)
    coracle_prefix (error, "image config");
  else if (!json_is_object (config->json))
    coracle_throw (error, CORACLE_ERROR_CORRUPT, "image config: not an object");
  else if (!get_texts (config, error) || !get_lists (config, error) || !get_created (config, error))
    coracle_prefix (error, "image config");
  else
    return g_steal_pointer (&config);
  return NULL;
}

char *
image_config_make (const json_t *base, const char *const *diff_ids, const json_t *history, gint64 created)
{
  ImagePlatform host = image_platform_host ();
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (created);
  g_autofree char *when = time == NULL ? g_strdup ("1970-01-01T00:00:00Z") : g_date_time_format (time, "%Y-%m-%dT%H:%M:%SZ");
  json_auto_t *root = json_object ();
  json_object_set_new (root, "created", json_string (when));
  json_object_set_new (root, "architecture", json_string (host.architecture));
  if (host.variant != NULL)
    json_object_set_new (root, "variant", json_string (host.variant));
  json_object_set_new (root, "os", json_string (host.os));
  json_object_set_new (root, "config", json_object ());
  if (base != NULL)
    json_object_update (root, (json_t *) base);
  json_object_set_new (root, "created", json_string (when));
  json_object_set_new (root, "rootfs", json_pack ("{s:s, s:o}", "type", "layers", "diff_ids", json_strv (diff_ids)));
  if (history != NULL)
    {
      json_auto_t *entry = json_pack ("{s:s}", "created", when);
      json_object_update_missing (entry, (json_t *) history);
      json_auto_t *list = json_array ();
      if (json_is_array (json_object_get (root, "history")))
        json_array_extend (list, json_object_get (root, "history"));
      json_array_append (list, entry);
      json_object_set (root, "history", list);
    }
  return json_to_text (root, 0, JSON_TEXT_DEFAULT);
}
