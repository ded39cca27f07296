#include "network/address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

gboolean
net_address_parse (const char *text, NetAddress *ret_address)
{
  NetAddress address = { 0 };
  address.size = strchr (text, ':') != NULL ? 16 : 4;
  if (inet_pton (address.size == 4 ? AF_INET : AF_INET6, text, address.bytes) != 1)
    return FALSE;
  *ret_address = address;
  return TRUE;
}

const char *
net_address_text (const NetAddress *address, char buffer[NET_ADDRESS_TEXT])
{
  return inet_ntop (address->size == 4 ? AF_INET : AF_INET6, address->bytes, buffer, NET_ADDRESS_TEXT);
}

char *
net_address_dup_text (const NetAddress *address)
{
  char buffer[NET_ADDRESS_TEXT];
  return g_strdup (net_address_text (address, buffer));
}

int
net_address_compare (const NetAddress *a, const NetAddress *b)
{
  return a->size != b->size ? a->size - b->size : memcmp (a->bytes, b->bytes, a->size);
}

gboolean
net_address_add (const NetAddress *address, guint64 n, NetAddress *ret_address)
{
  NetAddress sum = *address;
  for (int i = sum.size - 1; i >= 0 && n > 0; i--)
    {
      guint64 digit = sum.bytes[i] + (n & 0xff);
      sum.bytes[i] = (uint8_t) digit;
      n = (n >> 8) + (digit >> 8);
    }
  if (n > 0)
    return FALSE;
  *ret_address = sum;
  return TRUE;
}

/* cut: set the bits behind the prefix to @bit. */
static void
cut (NetAddress *address, unsigned prefix, gboolean bit)
{
  for (unsigned i = 0; i < address->size; i++)
    {
      unsigned kept = prefix >= (i + 1) * 8 ? 8 : prefix <= i * 8 ? 0 : prefix - i * 8;
      uint8_t mask = (uint8_t) (0xff << (8 - kept));
      address->bytes[i] = (uint8_t) (bit ? address->bytes[i] | ~mask : address->bytes[i] & mask);
    }
}

gboolean
net_subnet_parse (const char *text, NetSubnet *ret_subnet, NetAddress *ret_given)
{
  const char *slash = strchr (text, '/');
  guint64 prefix;
  NetAddress address;
  if (slash == NULL || slash - text >= NET_ADDRESS_TEXT || slash[1] == '+')
    return FALSE;
  g_autofree char *base = g_strndup (text, (gsize) (slash - text));
  if (!net_address_parse (base, &address) || !g_ascii_string_to_unsigned (slash + 1, 10, 0, address.size * 8, &prefix, NULL))
    return FALSE;
  if (ret_given != NULL)
    *ret_given = address;
  cut (&address, (unsigned) prefix, FALSE);
  *ret_subnet = (NetSubnet){ address, (uint8_t) prefix };
  return TRUE;
}

char *
net_subnet_text (const NetSubnet *subnet)
{
  char buffer[NET_ADDRESS_TEXT];
  return g_strdup_printf ("%s/%u", net_address_text (&subnet->base, buffer), subnet->prefix);
}

gboolean
net_subnet_contains (const NetSubnet *subnet, const NetAddress *address)
{
  NetAddress base = *address;
  if (address->size != subnet->base.size)
    return FALSE;
  cut (&base, subnet->prefix, FALSE);
  return net_address_compare (&base, &subnet->base) == 0;
}

gboolean
net_subnet_overlaps (const NetSubnet *a, const NetSubnet *b)
{
  return net_subnet_contains (a, &b->base) || net_subnet_contains (b, &a->base);
}

void
net_subnet_last (const NetSubnet *subnet, NetAddress *ret_last)
{
  *ret_last = subnet->base;
  cut (ret_last, subnet->prefix, TRUE);
}

guint64
net_subnet_size (const NetSubnet *subnet)
{
  unsigned bits = subnet->base.size * 8u - subnet->prefix;
  return bits >= 64 ? UINT64_MAX : G_GUINT64_CONSTANT (1) << bits;
}

gboolean
net_mac_parse (const char *text, uint8_t ret_mac[6])
{
  uint8_t mac[6];
  size_t length = strlen (text);
  char separator = length == 14 ? '.' : length == 17 && (text[2] == ':' || text[2] == '-') ? text[2] : '\0';
  size_t group = separator == '.' ? 4 : 2, digits = 0;
  if (separator == '\0')
    return FALSE;
  for (size_t i = 0; i < length; i++)
    {
      int digit = g_ascii_xdigit_value (text[i]);
      if (i % (group + 1) == group ? text[i] != separator : digit < 0)
        return FALSE;
      if (i % (group + 1) == group)
        continue;
      mac[digits / 2] = (uint8_t) (digits % 2 == 0 ? digit << 4 : mac[digits / 2] | digit);
      digits++;
    }
  memcpy (ret_mac, mac, sizeof mac);
  return TRUE;
}

char *
net_mac_text (const uint8_t mac[6])
{
  return g_strdup_printf ("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}
