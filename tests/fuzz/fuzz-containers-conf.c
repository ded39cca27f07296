/* Two files, parted by a NUL, merge whatever they hold, and no mark is left; what they say of containers is taken or refused. */
#include <stdint.h>
#include <string.h>

#include "pkg/config/containers_conf.h"
#include "pkg/engine/container_defaults.h"
#include "pkg/toml/toml.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
assert_no_marks (json_t *table)
{
  const char *key;
  json_t *item, *value;
  size_t i;
  json_object_foreach (table, key, item)
    {
      if (json_is_object (item))
        assert_no_marks (item);
      json_array_foreach (item, i, value)
        if (json_is_boolean (json_object_get (value, "append")))
          g_error ("a mark is left in %s", key);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const uint8_t *nul = memchr (data, '\0', size);
  size_t first = nul != NULL ? (size_t) (nul - data) : size;
  g_autofree char *one = g_strndup ((const char *) data, first);
  g_autofree char *two = nul != NULL ? g_strndup ((const char *) nul + 1, size - first - 1) : g_strdup ("");
  json_t *base = toml_parse (one, NULL), *over = toml_parse (two, NULL);
  if (base != NULL && over != NULL)
    {
      json_t *conf = json_object ();
      containers_conf_merge (conf, base);
      containers_conf_merge (conf, over);
      containers_conf_finish (conf);
      assert_no_marks (conf);
      g_autoptr (GError) error = NULL;
      g_autoptr (ContainerOptions) options = container_options_new ();
      if (container_options_apply (options, conf, &error) == (error != NULL))
        g_error ("neither taken nor refused, or both");
      json_decref (conf);
    }
  json_decref (base);
  json_decref (over);
  return 0;
}
