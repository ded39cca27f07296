#include "network/ipam.h"

#include <string.h>
#include <sys/random.h>

#include "pkg/base/error.h"

enum { TRIES_MAX = 1 << 20 };

/* range: the first and the last that may be given. */
static void
range (const NetConfigSubnet *subnet, NetAddress *ret_first, NetAddress *ret_last)
{
  gboolean v4 = subnet->subnet.base.size == 4, narrow = v4 && subnet->subnet.prefix >= 31;
  *ret_first = subnet->subnet.base;
  if (!narrow)
    (void) net_address_add (&subnet->subnet.base, 1, ret_first);
  net_subnet_last (&subnet->subnet, ret_last);
  /* IPv4's last is for broadcasts */
  if (v4 && !narrow)
    ret_last->bytes[3]--;
  if (subnet->first.size != 0 && net_address_compare (&subnet->first, ret_first) > 0)
    *ret_first = subnet->first;
  if (subnet->last.size != 0 && net_address_compare (&subnet->last, ret_last) < 0)
    *ret_last = subnet->last;
}

gboolean
ipam_choose (const NetConfigSubnet *subnet, const NetAddress *after, IpamTaken taken, void *data, NetAddress *ret_address, GError **error)
{
  NetAddress first, last, at;
  char from[NET_ADDRESS_TEXT], to[NET_ADDRESS_TEXT];
  range (subnet, &first, &last);
  at = first;
  if (after != NULL && after->size == first.size && net_address_compare (after, &first) >= 0 && net_address_compare (after, &last) < 0)
    (void) net_address_add (after, 1, &at);
  NetAddress begin = at;
  for (int i = 0; i < TRIES_MAX; i++)
    {
      if (net_address_compare (&at, &subnet->gateway) != 0 && !taken (&at, data))
        {
          *ret_address = at;
          return TRUE;
        }
      if (net_address_compare (&at, &last) >= 0 || !net_address_add (&at, 1, &at))
        at = first;
      if (net_address_compare (&at, &begin) == 0)
        break;
    }
  return coracle_throw (error, CORACLE_ERROR_EXISTS, "IPAM error: failed to find free IP in range: %s - %s", net_address_text (&first, from), net_address_text (&last, to));
}

void
ipam_random_mac (uint8_t ret_mac[6])
{
  (void) getrandom (ret_mac, 6, 0);
  /* local, and of one station */
  ret_mac[0] = (uint8_t) ((ret_mac[0] & 0xfc) | 0x02);
}
