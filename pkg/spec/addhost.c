#include "pkg/spec/addhost.h"

#include "pkg/base/error.h"

#include <arpa/inet.h>
#include <string.h>

void
spec_add_host_free (SpecAddHost *host)
{
  if (host == NULL)
    return;
  g_strfreev (host->names);
  g_free (host->address);
  g_free (host);
}

static gboolean
is_address (const char *text)
{
  struct in6_addr any;
  return inet_pton (AF_INET, text, &any) == 1 || inet_pton (AF_INET6, text, &any) == 1;
}

/* A name goes into a line of /etc/hosts: white space or # would make it say something else. */
static gboolean
names_are_plain (char **names)
{
  for (char **name = names; *name != NULL; name++)
    {
      for (const char *p = *name; *p != '\0'; p++)
        if (g_ascii_isspace (*p) || g_ascii_iscntrl (*p) || *p == '#')
          return FALSE;
      if (**name == '\0' || strlen (*name) > 255)
        return FALSE;
    }
  return *names != NULL;
}

SpecAddHost *
spec_add_host_parse (const char *text, GError **error)
{
  const char *colon = strchr (text, ':');
  g_autoptr (SpecAddHost) host = g_new0 (SpecAddHost, 1);
  if (colon != NULL)
    {
      g_autofree char *names = g_strndup (text, (gsize) (colon - text));
      host->names = g_strsplit (names, ";", -1);
    }
  if (colon == NULL || !names_are_plain (host->names))
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "bad format for add-host: \"%s\"", text);
      return NULL;
    }
  const char *address = colon + 1;
  if (strcmp (address, "host-gateway") == 0)
    return g_steal_pointer (&host);
  const size_t length = strlen (address);
  host->address = *address == '[' && address[length - 1] == ']' ? g_strndup (address + 1, length - 2) : g_strdup (address);
  if (is_address (host->address))
    return g_steal_pointer (&host);
  coracle_throw (error, CORACLE_ERROR_INVALID, "invalid IP address in add-host: \"%s\"", address);
  return NULL;
}
