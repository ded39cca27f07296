#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <string.h>
#include <sys/socket.h>

#include "network/slirp.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"

/* libslirp takes no larger one; IPv4 and IPv6 ask for at least these (RFC 791, RFC 8200) */
enum { MTU_MOST = 65521, MTU_LEAST = 68, MTU_LEAST6 = 1280 };
/* The host's numbers of the container, the gateway and the name server in any network, as slirp4netns has them */
enum { HOST_GATEWAY = 2, HOST_NAME_SERVER = 3, HOST_CONTAINER = 100, PREFIX_LEAST = 1, PREFIX_MOST = 25 };

static void
set_network (SlirpNetwork *network, guint32 base, guint prefix)
{
  network->prefix = (uint8_t) prefix;
  network->network.s_addr = htonl (base);
  network->address.s_addr = htonl (base + HOST_CONTAINER);
  network->gateway.s_addr = htonl (base + HOST_GATEWAY);
  network->name_server.s_addr = htonl (base + HOST_NAME_SERVER);
}

void
slirp_network_init (SlirpNetwork *network)
{
  memset (network, 0, sizeof *network);
  network->size = sizeof *network;
  network->mtu = 65520;
  memcpy (network->name, "tap0", 5);
  network->ipv4 = network->ipv6 = 1;
  set_network (network, 0x0a000200, 24);
  network->prefix6 = 64;
  (void) inet_pton (AF_INET6, "fd00::", &network->network6);
  (void) inet_pton (AF_INET6, "fd00::100", &network->address6);
  (void) inet_pton (AF_INET6, "fd00::2", &network->gateway6);
  (void) inet_pton (AF_INET6, "fd00::3", &network->name_server6);
}

char *
slirp_network_address (const SlirpNetwork *network)
{
  char text[INET6_ADDRSTRLEN];
  return g_strdup (network->ipv4 ? inet_ntop (AF_INET, &network->address, text, sizeof text) : inet_ntop (AF_INET6, &network->address6, text, sizeof text));
}

/* ---- values */

static gboolean
parse_flag (const char *key, const char *value, uint8_t *ret_flag, GError **error)
{
  /* Go's strconv.ParseBool */
  static const char *const yes[] = { "1", "t", "T", "TRUE", "true", "True", "on", NULL }, *const no[] = { "0", "f", "F", "FALSE", "false", "False", "off", NULL };
  if (!g_strv_contains (yes, value) && !g_strv_contains (no, value))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid value of %s for slirp4netns: \"%s\": true or false is wanted", key, value);
  *ret_flag = g_strv_contains (yes, value);
  return TRUE;
}

static gboolean
set_loopback (SlirpNetwork *network, const char *key, const char *value, GError **error)
{
  return parse_flag (key, value, &network->host_loopback, error);
}

static gboolean
set_ipv6 (SlirpNetwork *network, const char *key, const char *value, GError **error)
{
  return parse_flag (key, value, &network->ipv6, error);
}

static gboolean
set_accel (SlirpNetwork *network, const char *key, const char *value, GError **error)
{
  return parse_flag (key, value, &network->accel, error);
}

static gboolean
set_mtu (SlirpNetwork *network, const char *key, const char *value, GError **error)
{
  guint64 mtu;
  if (!g_ascii_string_to_unsigned (value, 10, MTU_LEAST, MTU_MOST, &mtu, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid %s \"%s\": a number from %d to %d is wanted", key, value, MTU_LEAST, MTU_MOST);
  network->mtu = (uint32_t) mtu;
  return TRUE;
}

static gboolean
set_cidr (SlirpNetwork *network, const char *key, const char *value, GError **error)
{
  const char *slash = strchr (value, '/');
  g_autofree char *text = g_strndup (value, slash != NULL ? (gsize) (slash - value) : strlen (value));
  struct in_addr address;
  struct in6_addr six;
  guint64 prefix = 0;
  if (inet_pton (AF_INET6, text, &six) == 1)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid %s \"%s\": an IPv4 network is wanted", key, value);
  if (slash == NULL || inet_pton (AF_INET, text, &address) != 1 || !g_ascii_string_to_unsigned (slash + 1, 10, 0, 32, &prefix, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid %s \"%s\": an IPv4 network is wanted, such as 10.0.2.0/24", key, value);
  if (prefix < PREFIX_LEAST || prefix > PREFIX_MOST)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid %s \"%s\": the prefix has to be from %d to %d", key, value, PREFIX_LEAST, PREFIX_MOST);
  guint32 base = ntohl (address.s_addr), mask = ~0u << (32 - prefix);
  if ((base & ~mask) != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid %s \"%s\": it has to be a network's address such as 10.0.2.0/24, not a host's", key, value);
  if (base >> 24 == 127 || base >> 24 == 0 || base >> 28 >= 14)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid %s \"%s\": no host can have an address of that network", key, value);
  set_network (network, base, (guint) prefix);
  return TRUE;
}

/* own_address: is it of this machine, so that a connection can come from it? */
static gboolean
own_address (int family, const void *address, gsize size)
{
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } name;
  memset (&name, 0, sizeof name);
  name.any.sa_family = (sa_family_t) family;
  memcpy (family == AF_INET ? (void *) &name.v4.sin_addr : &name.v6.sin6_addr, address, size);
  cleanup_fd int fd = socket (family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  return fd >= 0 && bind (fd, &name.any, family == AF_INET ? sizeof name.v4 : sizeof name.v6) == 0;
}

/* interface_address: the first address of that family that the interface has; not a link's own. */
static gboolean
interface_address (const char *interface, int family, void *ret_address)
{
  struct ifaddrs *list;
  gboolean found = FALSE;
  if (getifaddrs (&list) < 0)
    return FALSE;
  for (const struct ifaddrs *entry = list; entry != NULL && !found; entry = entry->ifa_next)
    {
      if (entry->ifa_addr == NULL || entry->ifa_addr->sa_family != family || strcmp (entry->ifa_name, interface) != 0)
        continue;
      const struct in6_addr *six = &((const struct sockaddr_in6 *) (const void *) entry->ifa_addr)->sin6_addr;
      if (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL (six))
        continue;
      found = TRUE;
      if (family == AF_INET6)
        memcpy (ret_address, six, sizeof *six);
      else
        memcpy (ret_address, &((const struct sockaddr_in *) (const void *) entry->ifa_addr)->sin_addr, sizeof (struct in_addr));
    }
  freeifaddrs (list);
  return found;
}

static gboolean
find_outbound (const char *key, const char *value, int family, void *ret_address, GError **error)
{
  const char *kind = family == AF_INET ? "IPv4" : "IPv6";
  unsigned char address[16];
  if (inet_pton (family == AF_INET ? AF_INET6 : AF_INET, value, address) == 1)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid %s \"%s\": an %s address or an interface is wanted", key, value, kind);
  if (inet_pton (family, value, address) != 1)
    {
      if (!interface_address (value, family, ret_address))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid %s \"%s\": neither an %s address nor an interface of this machine that has one", key, value, kind);
      return TRUE;
    }
  if (!own_address (family, address, family == AF_INET ? 4 : 16))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid %s \"%s\": not an address of this machine", key, value);
  memcpy (ret_address, address, family == AF_INET ? 4 : 16);
  return TRUE;
}

static gboolean
set_outbound (SlirpNetwork *network, const char *key, const char *value, GError **error)
{
  return find_outbound (key, value, AF_INET, &network->outbound, error);
}

static gboolean
set_outbound6 (SlirpNetwork *network, const char *key, const char *value, GError **error)
{
  return find_outbound (key, value, AF_INET6, &network->outbound6, error);
}

static gboolean
set_port_handler (SlirpNetwork *network, const char *key, const char *value, GError **error)
{
  if (strcmp (value, "rootlesskit") != 0 && strcmp (value, "slirp4netns") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "unknown %s for slirp4netns: \"%s\": rootlesskit or slirp4netns is wanted", key, value);
  network->plain_ports = strcmp (value, "rootlesskit") == 0;
  return TRUE;
}

/* check: what only the whole tells. */
static gboolean
check (SlirpNetwork *network, GError **error)
{
  static const struct in6_addr none;
  if (network->ipv6 && network->mtu < MTU_LEAST6)
    network->ipv6 = 0;   /* no link may be that narrow for it */
  if (!network->ipv6 && memcmp (&network->outbound6, &none, sizeof none) != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "outbound_addr6 for slirp: IPv6 is off (enable_ipv6=false, or an mtu below %d)", MTU_LEAST6);
  if (!network->ipv4 && !network->ipv6)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "slirp: neither IPv4 nor IPv6 is left");
  return TRUE;
}

/* ---- slirp4netns' way */

typedef gboolean (*SetOption) (SlirpNetwork *network, const char *key, const char *value, GError **error);

static const struct {
  const char *key;
  SetOption set;
} keys[] = {
  { "allow_host_loopback", set_loopback }, { "cidr", set_cidr }, { "enable_ipv6", set_ipv6 }, { "mtu", set_mtu }, { "outbound_addr", set_outbound },
  { "outbound_addr6", set_outbound6 }, { "port_handler", set_port_handler }, { "accel", set_accel },
};

static gboolean
parse_key (SlirpNetwork *network, const char *word, GError **error)
{
  const char *equals = strchr (word, '=');
  g_autofree char *key = g_strndup (word, equals != NULL ? (gsize) (equals - word) : strlen (word));
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    if (strcmp (keys[i].key, key) == 0)
      return equals != NULL ? keys[i].set (network, key, equals + 1, error) : coracle_throw (error, CORACLE_ERROR_INVALID, "invalid option for slirp4netns: \"%s\": %s=VALUE is wanted", word, key);
  return coracle_throw (error, CORACLE_ERROR_INVALID, "unknown option for slirp4netns: \"%s\"", word);
}

gboolean
slirp_network_parse (const char *const *words, SlirpNetwork *ret_network, GError **error)
{
  SlirpNetwork network;
  slirp_network_init (&network);
  for (const char *const *word = words; word != NULL && *word != NULL; word++)
    if (!parse_key (&network, *word, error))
      return FALSE;
  if (!check (&network, error))
    return FALSE;
  *ret_network = network;
  return TRUE;
}

/* ---- pasta's way: its own options, each with its value in the same word or the next */

typedef struct {
  SlirpNetwork network;
  gboolean no_ndp;
  struct in_addr address, gateway, name_server;   /* given, or 0 */
  guint prefix;                                   /* 0 = not given */
} Pasta;

static gboolean
take_address (const char *key, const char *value, struct in_addr *ret_address, GError **error)
{
  if (inet_pton (AF_INET, value, ret_address) == 1)
    return TRUE;
  struct in6_addr six;
  if (inet_pton (AF_INET6, value, &six) == 1)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "pasta: %s %s: unsupported: the IPv6 addresses of this network are fixed", key, value);
  return coracle_throw (error, CORACLE_ERROR_INVALID, "pasta: invalid address for %s: '%s'", key, value);
}

static gboolean
pasta_address (Pasta *pasta, const char *key, const char *value, GError **error)
{
  const char *slash = strchr (value, '/');
  guint64 prefix = 0;
  g_autofree char *text = g_strndup (value, slash != NULL ? (gsize) (slash - value) : strlen (value));
  if (slash != NULL && !g_ascii_string_to_unsigned (slash + 1, 10, PREFIX_LEAST, 30, &prefix, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "pasta: invalid prefix for %s: '%s'", key, value);
  if (slash != NULL)
    pasta->prefix = (guint) prefix;
  return take_address (key, text, &pasta->address, error);
}

static gboolean
pasta_netmask (Pasta *pasta, const char *key, const char *value, GError **error)
{
  struct in_addr mask;
  guint64 prefix = 0;
  if (inet_pton (AF_INET, value, &mask) == 1)
    {
      guint32 bits = ntohl (mask.s_addr);
      prefix = bits == 0 || (~bits & (~bits + 1)) != 0 ? 0 : 32 - (guint) (bits == ~0u ? 0 : g_bit_storage (~bits));
    }
  else
    (void) g_ascii_string_to_unsigned (value, 10, PREFIX_LEAST, 30, &prefix, NULL);
  if (prefix < PREFIX_LEAST || prefix > 30)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "pasta: invalid netmask for %s: '%s'", key, value);
  pasta->prefix = (guint) prefix;
  return TRUE;
}

static gboolean
pasta_gateway (Pasta *pasta, const char *key, const char *value, GError **error)
{
  return take_address (key, value, &pasta->gateway, error);
}

static gboolean
pasta_dns_forward (Pasta *pasta, const char *key, const char *value, GError **error)
{
  return take_address (key, value, &pasta->name_server, error);
}

static gboolean
pasta_mtu (Pasta *pasta, const char *key, const char *value, GError **error)
{
  return set_mtu (&pasta->network, key, value, error);
}

static gboolean
pasta_outbound (Pasta *pasta, const char *key, const char *value, GError **error)
{
  return strchr (value, ':') != NULL ? set_outbound6 (&pasta->network, key, value, error) : set_outbound (&pasta->network, key, value, error);
}

static gboolean
pasta_outbound4 (Pasta *pasta, const char *key, const char *value, GError **error)
{
  return set_outbound (&pasta->network, key, value, error);
}

static gboolean
pasta_outbound6 (Pasta *pasta, const char *key, const char *value, GError **error)
{
  return set_outbound6 (&pasta->network, key, value, error);
}

static gboolean
pasta_name (Pasta *pasta, const char *key, const char *value, GError **error)
{
  gsize length = strlen (value);
  if (length == 0 || length >= sizeof pasta->network.name || strpbrk (value, "/ :%\t\n") != NULL || strcmp (value, ".") == 0 || strcmp (value, "..") == 0 || strcmp (value, "lo") == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "pasta: invalid interface name for %s: '%s'", key, value);
  memset (pasta->network.name, 0, sizeof pasta->network.name);
  memcpy (pasta->network.name, value, length);
  return TRUE;
}

/* pasta_none: ports and mappings: only "none" is true here. */
static gboolean
pasta_none (Pasta *pasta, const char *key, const char *value, GError **error)
{
  return strcmp (value, "none") == 0 || coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "pasta: %s %s: unsupported: only none; ports are published with -p", key, value);
}

static gboolean
pasta_map (Pasta *pasta, const char *key, const char *value, GError **error)
{
  return strcmp (value, "none") == 0
         || coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "pasta: %s %s: unsupported: only none; the host is reached by its own addresses, and its loopback by the gateway's with --map-gw", key, value);
}

static gboolean
pasta_gw (Pasta *pasta, const char *key, const char *value, GError **error)
{
  pasta->network.host_loopback = strcmp (key, "--map-gw") == 0;
  return TRUE;
}

static gboolean
pasta_family (Pasta *pasta, const char *key, const char *value, GError **error)
{
  gboolean four = strcmp (key, "--ipv4-only") == 0;
  pasta->network.ipv6 = pasta->network.ipv6 && !four;
  pasta->network.ipv4 = pasta->network.ipv4 && four;
  return TRUE;
}

static gboolean
pasta_ndp (Pasta *pasta, const char *key, const char *value, GError **error)
{
  pasta->no_ndp = TRUE;
  return TRUE;
}

/* pasta_so: what this network is anyway. */
static gboolean
pasta_so (Pasta *pasta, const char *key, const char *value, GError **error)
{
  return TRUE;
}

static const struct {
  const char *key, *letter;
  gboolean valued;
  gboolean (*set) (Pasta *pasta, const char *key, const char *value, GError **error);
} pasta_keys[] = {
  { "--mtu", "-m", TRUE, pasta_mtu }, { "--address", "-a", TRUE, pasta_address }, { "--netmask", "-n", TRUE, pasta_netmask }, { "--gateway", "-g", TRUE, pasta_gateway },
  { "--dns-forward", NULL, TRUE, pasta_dns_forward }, { "--outbound", "-o", TRUE, pasta_outbound }, { "--outbound-if4", NULL, TRUE, pasta_outbound4 },
  { "--outbound-if6", NULL, TRUE, pasta_outbound6 }, { "--ns-ifname", "-I", TRUE, pasta_name }, { "--tcp-ports", "-t", TRUE, pasta_none },
  { "--udp-ports", "-u", TRUE, pasta_none }, { "--tcp-ns", "-T", TRUE, pasta_none }, { "--udp-ns", "-U", TRUE, pasta_none },
  { "--map-guest-addr", NULL, TRUE, pasta_map }, { "--map-host-loopback", NULL, TRUE, pasta_map }, { "--map-gw", NULL, FALSE, pasta_gw },
  { "--no-map-gw", NULL, FALSE, pasta_gw }, { "--ipv4-only", "-4", FALSE, pasta_family }, { "--ipv6-only", "-6", FALSE, pasta_family },
  { "--no-ndp", NULL, FALSE, pasta_ndp },
  /* there is no DHCP server, no router says anything unasked, and nothing is printed */
  { "--config-net", NULL, FALSE, pasta_so }, { "--no-dhcp", NULL, FALSE, pasta_so }, { "--no-dhcpv6", NULL, FALSE, pasta_so }, { "--no-ra", NULL, FALSE, pasta_so },
  { "--quiet", "-q", FALSE, pasta_so }, { "--foreground", "-f", FALSE, pasta_so },
};

/* parse_pasta_word: *@word: moved on to the value, where that is a word of its own. */
static gboolean
parse_pasta_word (Pasta *pasta, const char *const **word, GError **error)
{
  const char *text = **word, *equals = g_str_has_prefix (text, "--") ? strchr (text, '=') : NULL;
  gsize length = equals != NULL ? (gsize) (equals - text) : strlen (text);
  for (gsize i = 0; i < G_N_ELEMENTS (pasta_keys); i++)
    {
      const char *key = pasta_keys[i].key, *letter = pasta_keys[i].letter;
      gboolean whole = strlen (key) == length && strncmp (text, key, length) == 0, is_short = letter != NULL && strcmp (text, letter) == 0;
      gboolean joined = letter != NULL && !whole && pasta_keys[i].valued && text[0] == '-' && text[1] == letter[1] && text[2] != '\0';
      if (!whole && !is_short && !joined)
        continue;
      if (!pasta_keys[i].valued)
        return equals == NULL ? pasta_keys[i].set (pasta, key, NULL, error) : coracle_throw (error, CORACLE_ERROR_INVALID, "pasta: %s takes no value: '%s'", key, text);
      if (equals != NULL || joined)
        return pasta_keys[i].set (pasta, key, equals != NULL ? equals + 1 : text + 2, error);
      if ((*word)[1] == NULL)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "pasta: %s: its value is missing", key);
      return pasta_keys[i].set (pasta, key, *++*word, error);
    }
  return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "pasta: option '%s': unsupported by the network that serves in its place", text);
}

/* place_addresses: -a, -n, -g and --dns-forward: what was not given is where it would be in the network of what was. */
static gboolean
place_addresses (Pasta *pasta, GError **error)
{
  SlirpNetwork *network = &pasta->network;
  if (pasta->address.s_addr == 0 && pasta->gateway.s_addr == 0 && pasta->name_server.s_addr == 0 && pasta->prefix == 0)
    return TRUE;
  guint prefix = pasta->prefix > 0 ? pasta->prefix : network->prefix;
  guint32 mask = ~0u << (32 - prefix);
  guint32 like = pasta->address.s_addr != 0 ? pasta->address.s_addr : pasta->gateway.s_addr != 0 ? pasta->gateway.s_addr : network->network.s_addr;
  set_network (network, ntohl (like) & mask, prefix);
  if (pasta->address.s_addr != 0)
    network->address = pasta->address;
  if (pasta->gateway.s_addr != 0)
    network->gateway = pasta->gateway;
  if (pasta->name_server.s_addr != 0)
    network->name_server = pasta->name_server;
  const guint32 all[] = { ntohl (network->address.s_addr), ntohl (network->gateway.s_addr), ntohl (network->name_server.s_addr) };
  for (gsize i = 0; i < G_N_ELEMENTS (all); i++)
    if ((all[i] & mask) != ntohl (network->network.s_addr) || all[i] >> 24 == 127 || all[i] >> 28 >= 14)
      return coracle_throw (error, CORACLE_ERROR_INVALID, "pasta: the container's address, its gateway and --dns-forward have to be in one network, and of it");
  if (all[0] == all[1] || all[0] == all[2] || all[1] == all[2])
    return coracle_throw (error, CORACLE_ERROR_INVALID, "pasta: the container, its gateway and --dns-forward cannot have the same address");
  return TRUE;
}

gboolean
slirp_network_parse_pasta (const char *const *words, SlirpNetwork *ret_network, GError **error)
{
  Pasta pasta;
  memset (&pasta, 0, sizeof pasta);
  slirp_network_init (&pasta.network);
  for (const char *const *word = words; word != NULL && *word != NULL; word++)
    if (!parse_pasta_word (&pasta, &word, error))
      return FALSE;
  if (!place_addresses (&pasta, error))
    return FALSE;
  if (pasta.no_ndp && pasta.network.ipv6)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "pasta: --no-ndp: unsupported with IPv6: give --ipv4-only too");
  if (!check (&pasta.network, error))
    return FALSE;
  *ret_network = pasta.network;
  return TRUE;
}
