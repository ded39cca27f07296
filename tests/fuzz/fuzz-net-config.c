/* Any JSON describes a network or is refused, and what was read comes back as it is written. */
#include <stdint.h>

#include "network/config.h"
#include "pkg/json/json.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  json_auto_t *root = json_parse_bounded ((const char *) data, size, (size_t) 1 << 20, JSON_PARSE_DEFAULT, NULL);
  g_autoptr (GError) error = NULL;
  if (root == NULL)
    return 0;
  g_autoptr (NetConfig) config = net_config_from_json (root, &error);
  if ((config == NULL) == (error == NULL))
    g_error ("neither a network nor an error, or both");
  if (config == NULL)
    return 0;
  json_auto_t *once = net_config_to_json (config);
  g_autoptr (NetConfig) again = net_config_from_json (once, NULL);
  json_auto_t *twice = again != NULL ? net_config_to_json (again) : NULL;
  if (twice == NULL || !json_equal (once, twice))
    g_error ("what was written is read as something else");
  return 0;
}
