/* Any text as a word of --publish or --expose: refused with an error, or what it became keeps the header's promises. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "network/port.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
require (gboolean truth)
{
  if (!truth)
    abort ();
}

static void
check_mapping (const PortMapping *mapping)
{
  unsigned char address[16];
  require (mapping->range >= 1 && mapping->container_port >= 1 && mapping->container_port + mapping->range <= 65536 && mapping->host_port + mapping->range <= 65536);
  require (mapping->host_ip[0] == '\0' || inet_pton (AF_INET, mapping->host_ip, address) == 1 || inet_pton (AF_INET6, mapping->host_ip, address) == 1);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_auto (GStrv) words = g_strsplit (text, "\n", 8);
  g_autoptr (GPtrArray) mappings = port_mappings_new ();
  json_t *exposed = json_object ();
  for (char **word = words; *word != NULL; word++)
    {
      g_autoptr (GError) error = NULL, other = NULL;
      PortMapping *mapping = port_mapping_parse (*word, &error);
      require ((mapping == NULL) == (error != NULL));
      if (mapping != NULL)
        g_ptr_array_add (mappings, mapping);
      require (port_expose_parse (*word, exposed, &other) == (other == NULL));
    }
  g_autoptr (GError) problem = NULL;
  if (port_mappings_settle (mappings, &problem))
    {
      for (guint i = 0; i < mappings->len; i++)
        check_mapping (mappings->pdata[i]);
      json_t *array = port_mappings_to_json (mappings);
      g_autoptr (GPtrArray) again = port_mappings_from_json (array);
      require (again->len == mappings->len);
      json_decref (array);
    }
  else
    require (problem != NULL);
  json_decref (exposed);
  return 0;
}
