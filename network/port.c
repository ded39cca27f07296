#include "network/port.h"

#include <arpa/inet.h>
#include <string.h>

#include "pkg/base/error.h"

#define PORT_FORM "[[hostIP:]hostPort:]containerPort"

void
port_mapping_free (PortMapping *mapping)
{
  if (mapping == NULL)
    return;
  g_free (mapping->host_ip);
  g_free (mapping);
}

GPtrArray *
port_mappings_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) port_mapping_free);
}

const char *
port_mapping_host (const PortMapping *mapping)
{
  return mapping->host_ip[0] != '\0' ? mapping->host_ip : "0.0.0.0";
}

const char *
port_mapping_protocol (const PortMapping *mapping)
{
  return mapping->udp ? "udp" : "tcp";
}

/* ---- words */

static gboolean
parse_number (const char *text, guint16 *ret, GError **error)
{
  guint64 number;
  const char *digits = text[0] == '-' || text[0] == '+' ? text + 1 : text;
  if (digits[0] == '\0' || digits[strspn (digits, "0123456789")] != '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid port number: strconv.Atoi: parsing \"%s\": invalid syntax", text);
  if (!g_ascii_string_to_unsigned (text[0] == '+' ? digits : text, 10, 1, 65535, &number, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "port numbers must be between 1 and 65535 (inclusive), got %s", text);
  *ret = (guint16) number;
  return TRUE;
}

/* parse_range: PORT or PORT-PORT. */
static gboolean
parse_range (const char *text, guint16 *ret_first, guint16 *ret_n, GError **error)
{
  g_auto (GStrv) ends = g_strsplit (text, "-", -1);
  guint16 first, last;
  guint n = g_strv_length (ends);
  if (n > 2)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid port format - port ranges are formatted as startPort-stopPort");
  if (n == 0 || ends[0][0] == '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "port numbers cannot be negative");
  if (!parse_number (ends[0], &first, error))
    return FALSE;
  last = first;
  if (n == 2 && ends[1][0] == '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "must provide ending number for port range");
  if (n == 2 && !parse_number (ends[1], &last, error))
    return FALSE;
  if (n == 2 && last <= first)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "the end port of a range must be higher than the start port - %u is not higher than %u", last, first);
  *ret_first = first;
  *ret_n = (guint16) (last - first + 1);
  return TRUE;
}

static gboolean
parse_protocol (const char *text, gboolean *ret_udp, GError **error)
{
  if (text[0] == '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "must provide a non-empty protocol to publish");
  *ret_udp = g_ascii_strcasecmp (text, "udp") == 0;
  if (*ret_udp || g_ascii_strcasecmp (text, "tcp") == 0)
    return TRUE;
  return g_ascii_strcasecmp (text, "sctp") == 0 ? coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "protocol sctp in port mapping: unsupported: only tcp and udp can be published")
                                                : coracle_throw (error, CORACLE_ERROR_INVALID, "unrecognized protocol \"%s\" in port mapping", text);
}

/* parse_address: the text that inet_ntop would write; "" for all addresses. */
static char *
parse_address (const char *text, GError **error)
{
  unsigned char address[16];
  char canonical[INET6_ADDRSTRLEN];
  if (text[0] == '\0')
    coracle_throw (error, CORACLE_ERROR_INVALID, "must provide a non-empty container host IP to publish");
  else if (strcmp (text, "0.0.0.0") == 0)
    return g_strdup ("");
  else if (inet_pton (AF_INET, text, address) == 1)
    return g_strdup (inet_ntop (AF_INET, address, canonical, sizeof canonical));
  else if (inet_pton (AF_INET6, text, address) == 1)
    return g_strdup (inet_ntop (AF_INET6, address, canonical, sizeof canonical));
  else
    coracle_throw (error, CORACLE_ERROR_INVALID, "cannot parse \"%s\" as an IP address", text);
  return NULL;
}

/* take_address6: "[ADDRESS]:REST". *@ret_address stays NULL where there is none. Returns the rest, within @text, or NULL. */
static const char *
take_address6 (const char *text, char **ret_address, GError **error)
{
  const char *close = strchr (text, ']');
  if (close == NULL)
    return text;
  if (strchr (close + 1, ']') != NULL)
    coracle_throw (error, CORACLE_ERROR_INVALID, "invalid port format - at most one IPv6 address can be specified in a --publish");
  else if (text[0] != '[')
    coracle_throw (error, CORACLE_ERROR_INVALID, "invalid port format - IPv6 addresses must be enclosed by []");
  else if (close[1] != ':')
    coracle_throw (error, CORACLE_ERROR_INVALID, "invalid port format - IPv6 address must be followed by a colon (':')");
  else
    {
      *ret_address = g_strndup (text + 1, (gsize) (close - text - 1));
      return close + 2;
    }
  return NULL;
}

typedef struct {
  char *address, *host, *container;   /* NULL: not given */
} Words;

static void
words_clear (Words *words)
{
  g_free (words->address);
  g_free (words->host);
  g_free (words->container);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Words, words_clear)

static gboolean
split_words (const char *text, Words *words, GError **error)
{
  const char *rest = take_address6 (text, &words->address, error);
  if (rest == NULL)
    return FALSE;
  gboolean v6 = words->address != NULL;
  g_auto (GStrv) parts = g_strsplit (rest, ":", -1);
  guint n = g_strv_length (parts);
  if (v6 && n < 2)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid port format - must provide host and destination port if specifying an IP");
  if (v6 && n > 2)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid port format - when v6 address specified, must be [ipv6]:hostPort:ctrPort");
  if (n > 3)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid port format - format is " PORT_FORM);
  words->container = g_strdup (n > 0 ? parts[n - 1] : "");
  if (n > 1)
    words->host = g_strdup (parts[n - 2]);
  if (n > 2)
    words->address = g_strdup (parts[0]);
  return words->container[0] != '\0' || coracle_throw (error, CORACLE_ERROR_INVALID, "must provide a non-empty container port to publish");
}

static gboolean
read_words (const Words *words, PortMapping *mapping, GError **error)
{
  guint16 n;
  if (!parse_range (words->container, &mapping->container_port, &mapping->range, error))
    return coracle_prefix (error, "parsing container port");
  mapping->host_ip = words->address != NULL ? parse_address (words->address, error) : g_strdup ("");
  if (mapping->host_ip == NULL)
    return FALSE;
  if (words->host == NULL || words->host[0] == '\0')
    return TRUE;
  if (!parse_range (words->host, &mapping->host_port, &n, error))
    return coracle_prefix (error, "parsing host port");
  return n == mapping->range || coracle_throw (error, CORACLE_ERROR_INVALID, "host and container port ranges have different lengths: %u vs %u", n, mapping->range);
}

PortMapping *
port_mapping_parse (const char *word, GError **error)
{
  g_autoptr (PortMapping) mapping = g_new0 (PortMapping, 1);
  g_auto (Words) words = { 0 };
  g_auto (GStrv) parts = g_strsplit (word, "/", -1);
  if (g_strv_length (parts) > 2)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "invalid port format - protocol can only be specified once");
      return NULL;
    }
  if (!split_words (parts[0] != NULL ? parts[0] : "", &words, error) || !read_words (&words, mapping, error)
      || (parts[0] != NULL && parts[1] != NULL && !parse_protocol (parts[1], &mapping->udp, error)))
    return NULL;
  return g_steal_pointer (&mapping);
}

gboolean
port_expose_parse (const char *word, json_t *exposed, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (word, "/", 2);
  g_auto (GStrv) ends = g_strsplit (parts[0] != NULL ? parts[0] : "", "-", 2);
  const char *protocol = parts[0] != NULL && parts[1] != NULL ? parts[1] : "tcp";
  guint64 range[2] = { 0, 0 };
  for (guint i = 0; i < 2; i++)
    {
      const char *text = i == 0 || ends[0] == NULL || ends[1] == NULL ? ends[0] : ends[1];
      if (text == NULL || text[0] == '\0' || text[strspn (text, "0123456789")] != '\0')
        return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid range format for --expose: %s: strconv.ParseUint: parsing \"%s\": invalid syntax", word, text != NULL ? text : "");
      if (!g_ascii_string_to_unsigned (text, 10, 0, 65535, &range[i], NULL))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid range format for --expose: %s: strconv.ParseUint: parsing \"%s\": value out of range", word, text);
    }
  if (range[1] < range[0])
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid range format for --expose: %s: Invalid range specified for the Port: %s", word, parts[0]);
  if (range[0] == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "port numbers must be between 1 and 65535 (inclusive), got 0");
  g_autofree char *name = g_ascii_strdown (protocol, -1);
  if (strcmp (name, "tcp") != 0 && strcmp (name, "udp") != 0 && strcmp (name, "sctp") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "validating protocols for exposed port %u: unrecognized protocol \"%s\" in port mapping", (guint) range[0], protocol);
  for (guint64 port = range[0]; port <= range[1]; port++)
    {
      g_autofree char *key = g_strdup_printf ("%u/%s", (guint) port, name);
      json_object_set_new (exposed, key, json_object ());
    }
  return TRUE;
}

/* ---- lists */

static gboolean
publishes (const GPtrArray *mappings, guint port, gboolean udp)
{
  for (guint i = 0; i < mappings->len; i++)
    {
      const PortMapping *mapping = mappings->pdata[i];
      if (mapping->udp == udp && port >= mapping->container_port && port < (guint) mapping->container_port + mapping->range)
        return TRUE;
    }
  return FALSE;
}

gboolean
port_mappings_publish_all (GPtrArray *mappings, json_t *exposed, GError **error)
{
  const char *key;
  json_t *value;
  json_object_foreach (exposed, key, value)
    {
      json_auto_t *each = json_object ();
      const char *one;
      json_t *ignored;
      if (!port_expose_parse (key, each, error))
        return FALSE;
      json_object_foreach (each, one, ignored)
        {
          PortMapping *mapping = port_mapping_parse (one, error);
          if (mapping == NULL)
            return FALSE;
          if (publishes (mappings, mapping->container_port, mapping->udp))
            port_mapping_free (mapping);
          else
            g_ptr_array_add (mappings, mapping);
        }
    }
  return TRUE;
}

/* compare: those to be chosen last, by what they are for. */
static int
compare (gconstpointer a, gconstpointer b)
{
  const PortMapping *one = *(PortMapping *const *) a, *other = *(PortMapping *const *) b;
  int r = one->udp - other->udp;
  if (r == 0)
    r = strcmp (one->host_ip, other->host_ip);
  if (r == 0)
    r = (one->host_port == 0) - (other->host_port == 0);
  if (r == 0)
    r = one->host_port - other->host_port;
  return r != 0 ? r : one->container_port - other->container_port;
}

/* join: @next, which comes after @mapping, into it. FALSE: they are apart. */
static gboolean
join (PortMapping *mapping, const PortMapping *next, gboolean *ret_joined, GError **error)
{
  *ret_joined = FALSE;
  if (mapping->udp != next->udp || strcmp (mapping->host_ip, next->host_ip) != 0 || mapping->host_port == 0 || next->host_port == 0)
    return TRUE;
  guint end = (guint) mapping->host_port + mapping->range, next_end = (guint) next->host_port + next->range;
  gboolean same = next->host_port - mapping->host_port == next->container_port - mapping->container_port;
  if (next->host_port < end && !same)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "conflicting port mappings for host port %u (protocol %s)", next->host_port, port_mapping_protocol (mapping));
  if (next->host_port > end || !same)
    return TRUE;
  *ret_joined = TRUE;
  mapping->range = (guint16) (MAX (end, next_end) - mapping->host_port);
  return TRUE;
}

gboolean
port_mappings_settle (GPtrArray *mappings, GError **error)
{
  g_ptr_array_sort (mappings, compare);
  for (guint i = 1; i < mappings->len;)
    {
      gboolean joined;
      PortMapping *last = mappings->pdata[i - 1], *next = mappings->pdata[i];
      gboolean twice = last->host_port == 0 && compare (&mappings->pdata[i - 1], &mappings->pdata[i]) == 0 && last->range == next->range;
      if (!join (last, next, &joined, error))
        return FALSE;
      if (joined || twice)
        g_ptr_array_remove_index (mappings, i);
      else
        i++;
    }
  return TRUE;
}

json_t *
port_mappings_to_json (const GPtrArray *mappings)
{
  json_t *array = json_array ();
  for (guint i = 0; i < mappings->len; i++)
    {
      const PortMapping *mapping = mappings->pdata[i];
      json_array_append_new (array, json_pack ("{s:s, s:i, s:i, s:i, s:s}", "host_ip", mapping->host_ip, "container_port", mapping->container_port, "host_port", mapping->host_port, "range",
                                               mapping->range, "protocol", port_mapping_protocol (mapping)));
    }
  return array;
}

GPtrArray *
port_mappings_from_json (json_t *array)
{
  GPtrArray *mappings = port_mappings_new ();
  size_t i;
  json_t *item;
  json_array_foreach (array, i, item)
    {
      PortMapping *mapping = g_new0 (PortMapping, 1);
      const char *ip = json_string_value (json_object_get (item, "host_ip"));
      *mapping = (PortMapping){ .host_ip = g_strdup (ip != NULL ? ip : ""), .host_port = (guint16) json_integer_value (json_object_get (item, "host_port")),
                                .container_port = (guint16) json_integer_value (json_object_get (item, "container_port")),
                                .range = (guint16) MAX (1, json_integer_value (json_object_get (item, "range"))),
                                .udp = g_strcmp0 (json_string_value (json_object_get (item, "protocol")), "udp") == 0 };
      g_ptr_array_add (mappings, mapping);
    }
  return mappings;
}

static void
append_range (GString *text, guint port, guint n)
{
  g_string_append_printf (text, "%u", port);
  if (n > 1)
    g_string_append_printf (text, "-%u", port + n - 1);
}

void
port_mappings_text (const GPtrArray *mappings, GString *text)
{
  for (guint i = 0; i < mappings->len; i++)
    {
      const PortMapping *mapping = mappings->pdata[i];
      g_string_append_printf (text, "%s%s:", text->len > 0 ? ", " : "", port_mapping_host (mapping));
      append_range (text, mapping->host_port, mapping->range);
      g_string_append (text, "->");
      append_range (text, mapping->container_port, mapping->range);
      g_string_append_printf (text, "/%s", port_mapping_protocol (mapping));
    }
}
