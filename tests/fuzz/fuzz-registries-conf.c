/* Any document is taken or refused; what was taken can be asked about any name. */
#include <stdint.h>

#include "pkg/registry/registries_conf.h"
#include "pkg/toml/toml.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  json_auto_t *document = toml_parse (text, NULL);
  g_autoptr (RegistriesConf) conf = registries_conf_new ();
  g_autoptr (GError) error = NULL, blocked = NULL, unknown = NULL;
  gboolean alias;
  if (document == NULL || !registries_conf_add (conf, document, "fuzz.conf", &error))
    return 0;
  g_autoptr (GPtrArray) places = registries_places (conf, "a.test", "x/y", size % 2 == 0, &blocked);
  g_auto (GStrv) names = registries_short (conf, "app", "app", &alias, &unknown);
  if ((places == NULL) != (blocked != NULL) || (names == NULL) != (unknown != NULL))
    g_error ("neither an answer nor an error, or both");
  return 0;
}
