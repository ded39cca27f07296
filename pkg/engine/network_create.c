#include "pkg/engine/network.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/text.h"
#include "pkg/engine/event.h"
#include "pkg/engine/names.h"

/* The network that the way out of all named networks has for itself: network/slirp.h */
#define UPLINK_SUBNET "10.0.2.0/24"
#define INTERFACE_PREFIX "podman"

typedef struct {
  const NetworkCreate *request;
  const NetworkPlace *place;
  const GPtrArray *others;   /* of NetConfig */
  GArray *host;              /* of NetSubnet: this machine's own */
  NetConfig *config;
} Creation;

/* ---- what is taken */

static GArray *
host_subnets (void)
{
  GArray *subnets = g_array_new (FALSE, FALSE, sizeof (NetSubnet));
  struct ifaddrs *list = NULL;
  NetSubnet uplink;
  if (net_subnet_parse (UPLINK_SUBNET, &uplink, NULL))
    g_array_append_val (subnets, uplink);
  if (getifaddrs (&list) < 0)
    return subnets;
  for (struct ifaddrs *at = list; at != NULL; at = at->ifa_next)
    {
      NetSubnet subnet = { 0 };
      if (at->ifa_addr == NULL || at->ifa_netmask == NULL)
        continue;
      gboolean v4 = at->ifa_addr->sa_family == AF_INET;
      if (!v4 && at->ifa_addr->sa_family != AF_INET6)
        continue;
      const uint8_t *bytes = v4 ? (const uint8_t *) &((struct sockaddr_in *) at->ifa_addr)->sin_addr : (const uint8_t *) &((struct sockaddr_in6 *) at->ifa_addr)->sin6_addr;
      const uint8_t *mask = v4 ? (const uint8_t *) &((struct sockaddr_in *) at->ifa_netmask)->sin_addr : (const uint8_t *) &((struct sockaddr_in6 *) at->ifa_netmask)->sin6_addr;
      subnet.base.size = v4 ? 4 : 16;
      for (int i = 0; i < subnet.base.size; i++)
        {
          subnet.base.bytes[i] = bytes[i] & mask[i];
          subnet.prefix = (uint8_t) (subnet.prefix + __builtin_popcount (mask[i]));
        }
      g_array_append_val (subnets, subnet);
    }
  freeifaddrs (list);
  return subnets;
}

static gboolean
is_taken (const Creation *creation, const NetSubnet *subnet)
{
  for (guint i = 0; i < creation->host->len; i++)
    if (net_subnet_overlaps (&g_array_index (creation->host, NetSubnet, i), subnet))
      return TRUE;
  for (guint i = 0; i < creation->others->len; i++)
    {
      const NetConfig *other = creation->others->pdata[i];
      for (guint k = 0; k < other->subnets->len; k++)
        if (net_subnet_overlaps (&g_array_index (other->subnets, NetConfigSubnet, k).subnet, subnet))
          return TRUE;
    }
  return FALSE;
}

static gboolean
has_interface (const Creation *creation, const char *name)
{
  for (guint i = 0; i < creation->others->len; i++)
    if (g_strcmp0 (((const NetConfig *) creation->others->pdata[i])->interface, name) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
has_name (const Creation *creation, const char *name)
{
  for (guint i = 0; i < creation->others->len; i++)
    if (strcmp (((const NetConfig *) creation->others->pdata[i])->name, name) == 0)
      return TRUE;
  return FALSE;
}

/* ---- names */

static gboolean
check_name (const char *name, GError **error)
{
  static const char *const modes[] = { "none", "host", "bridge", "private", "slirp", "slirp4netns", "pasta", "container", "ns", "default", "pod", NULL };
  gboolean fine = g_ascii_isalnum (name[0]);
  for (const char *at = name; *at != '\0'; at++)
    fine = fine && (g_ascii_isalnum (*at) || strchr ("_.-", *at) != NULL);
  if (!fine || strlen (name) > 200)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "network name %s invalid: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument", name);
  if (g_strv_contains (modes, name))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot create network with name \"%s\" because it conflicts with a valid network mode", name);
  return TRUE;
}

static gboolean
check_interface (const char *name, GError **error)
{
  const char *wrong = strlen (name) >= IFNAMSIZ                       ? "interface name is too long: interface names must be 15 characters or less"
                      : strcmp (name, ".") == 0 || strcmp (name, "..") == 0 ? "interface name is . or .."
                      : name[strcspn (name, "/: \t\n\v\f\r")] != '\0' ? "interface name contains / or : or whitespace characters"
                                                                            : NULL;
  return wrong == NULL || coracle_throw (error, CORACLE_ERROR_INVALID, "network interface name %s invalid: %s: invalid argument", name, wrong);
}

/* number_name: "podman1", "podman2" …: the first that neither a network nor an interface has. */
static char *
number_name (const Creation *creation, gboolean interface)
{
  for (guint i = 1;; i++)
    {
      g_autofree char *name = g_strdup_printf (INTERFACE_PREFIX "%u", i);
      if (!has_interface (creation, name) && (interface || !has_name (creation, name)))
        return g_steal_pointer (&name);
    }
}

static gboolean
choose_names (Creation *creation, GError **error)
{
  const NetworkCreate *request = creation->request;
  NetConfig *config = creation->config;
  config->driver = g_strdup (request->driver != NULL ? request->driver : "bridge");
  gboolean bridge = strcmp (config->driver, "bridge") == 0;
  if (!bridge && strcmp (config->driver, "macvlan") != 0 && strcmp (config->driver, "ipvlan") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "failed to find driver or plugin \"%s\"", config->driver);
  const char *interface = request->interface != NULL && request->interface[0] != '\0' ? request->interface : NULL;
  if (interface != NULL && !check_interface (interface, error))
    return FALSE;
  if (interface != NULL && bridge && has_interface (creation, interface))
    return coracle_throw (error, CORACLE_ERROR_EXISTS, "bridge name %s already in use", interface);
  if (request->name != NULL)
    config->name = g_strdup (request->name);
  else
    config->name = number_name (creation, FALSE);
  /* a network that was given no name is called as its bridge */
  if (interface != NULL)
    config->interface = g_strdup (interface);
  else if (bridge)
    config->interface = request->name == NULL ? g_strdup (config->name) : number_name (creation, TRUE);
  return TRUE;
}

/* ---- options */

/* What the kernel takes for an interface (ETH_MIN_MTU, ETH_MAX_MTU), and the least with IPv6: RFC 8200 */
enum { MTU_MIN = 68, MTU_MAX = 65535, MTU_MIN_IPV6 = 1280 };

/* option_mtu: 0 is the kernel's own. One that no bridge can have is refused here, not when the first container starts. */
static gboolean
option_mtu (const char *value, GError **error)
{
  gint64 mtu;
  if (value[0] == '\0')
    return TRUE;
  if (!g_ascii_string_to_signed (value, 10, G_MININT32, G_MAXINT32, &mtu, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "strconv.Atoi: parsing \"%s\": invalid syntax", value);
  if (mtu < 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "mtu %s is less than zero", value);
  return mtu == 0 || (mtu >= MTU_MIN && mtu <= MTU_MAX) || coracle_throw (error, CORACLE_ERROR_INVALID, "mtu %s is not between %d and %d", value, MTU_MIN, MTU_MAX);
}

/* check_mtu: after the subnets are known. */
static gboolean
check_mtu (const NetConfig *config, GError **error)
{
  const char *text = net_config_option (config, "mtu");
  guint64 mtu = text != NULL ? g_ascii_strtoull (text, NULL, 10) : 0;
  return mtu == 0 || mtu >= MTU_MIN_IPV6 || !config->ipv6 || coracle_throw (error, CORACLE_ERROR_INVALID, "mtu %s is too small for IPv6, which needs %d", text, MTU_MIN_IPV6);
}

static gboolean
option_metric (const char *value, GError **error)
{
  guint64 metric;
  return g_ascii_string_to_unsigned (value, 10, 0, G_MAXUINT32, &metric, NULL) || coracle_throw (error, CORACLE_ERROR_INVALID, "strconv.ParseUint: parsing \"%s\": invalid syntax", value);
}

static gboolean
option_vlan (const char *value, GError **error)
{
  gint64 id;
  if (!g_ascii_string_to_signed (value, 10, G_MININT32, G_MAXINT32, &id, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "failed to parse vlan ID: strconv.Atoi: parsing \"%s\": invalid syntax", value);
  return (id >= 0 && id <= 4094) || coracle_throw (error, CORACLE_ERROR_INVALID, "vlan ID %s must be between 0 and 4094", value);
}

static gboolean
is_bool (const char *value)
{
  static const char *const words[] = { "1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False", NULL };
  return g_strv_contains (words, value);
}

static gboolean
option_isolate (const char *value, GError **error)
{
  return strcmp (value, "strict") == 0 || is_bool (value)
         || coracle_throw (error, CORACLE_ERROR_INVALID, "failed to parse isolate option: strconv.ParseBool: parsing \"%s\": invalid syntax", value);
}

static gboolean
option_bool (const char *value, GError **error)
{
  return is_bool (value) || coracle_throw (error, CORACLE_ERROR_INVALID, "strconv.ParseBool: parsing \"%s\": invalid syntax", value);
}

static gboolean
option_bridge_mode (const char *value, GError **error)
{
  if (strcmp (value, "managed") == 0)
    return TRUE;
  if (strcmp (value, "unmanaged") == 0)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "bridge mode \"unmanaged\": unsupported: it wants a bridge of the host, which containers of a user cannot reach");
  return coracle_throw (error, CORACLE_ERROR_INVALID, "unknown bridge mode \"%s\"", value);
}

static gboolean
option_vrf (const char *value, GError **error)
{
  return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "option vrf=%s: unsupported in this version", value);
}

static gboolean
option_text (const char *value, GError **error)
{
  (void) value;
  (void) error;
  return TRUE;
}

static gboolean
option_mac_mode (const char *value, GError **error)
{
  static const char *const modes[] = { "bridge", "private", "vepa", "passthru", NULL };
  return g_strv_contains (modes, value) || coracle_throw (error, CORACLE_ERROR_INVALID, "unknown macvlan mode \"%s\"", value);
}

static gboolean
option_ip_mode (const char *value, GError **error)
{
  static const char *const modes[] = { "l2", "l3", "l3s", NULL };
  return g_strv_contains (modes, value) || coracle_throw (error, CORACLE_ERROR_INVALID, "unknown ipvlan mode \"%s\"", value);
}

/* Source: podman-network-create(1) --opt */
static const struct {
  const char *driver, *name, *kept;   /* driver NULL: all; kept: as it is called in the file */
  gboolean (*check) (const char *value, GError **error);
} known_options[] = {
  { NULL, "mtu", "mtu", option_mtu }, { NULL, "com.docker.network.driver.mtu", "mtu", option_mtu }, { NULL, "metric", "metric", option_metric }, { NULL, "no_default_route", "no_default_route", option_bool },
  { "bridge", "vlan", "vlan", option_vlan }, { "bridge", "isolate", "isolate", option_isolate }, { "bridge", "vrf", "vrf", option_vrf }, { "bridge", "mode", "mode", option_bridge_mode },
  { "bridge", "com.docker.network.bridge.name", NULL, option_text }, { "macvlan", "parent", NULL, option_text }, { "ipvlan", "parent", NULL, option_text },
  { "macvlan", "mode", "mode", option_mac_mode }, { "macvlan", "bclim", "bclim", option_text }, { "ipvlan", "mode", "mode", option_ip_mode },
};

static gboolean
take_option (Creation *creation, const char *name, const char *value, GError **error)
{
  NetConfig *config = creation->config;
  for (size_t i = 0; i < G_N_ELEMENTS (known_options); i++)
    {
      if (strcmp (known_options[i].name, name) != 0 || (known_options[i].driver != NULL && strcmp (known_options[i].driver, config->driver) != 0))
        continue;
      if (!known_options[i].check (value, error))
        return FALSE;
      if (known_options[i].kept != NULL)
        {
          json_object_set_new (config->options, known_options[i].kept, json_string (strcmp (name, "isolate") == 0 && strcmp (value, "strict") != 0 ? (strchr ("1tT", value[0]) ? "true" : "false") : value));
          return TRUE;
        }
      /* the name of the bridge, or of the parent */
      if (!check_interface (value, error))
        return FALSE;
      if (known_options[i].driver[0] == 'b' && has_interface (creation, value))
        return coracle_throw (error, CORACLE_ERROR_EXISTS, "bridge name %s already in use", value);
      g_free (config->interface);
      config->interface = g_strdup (value);
      return TRUE;
    }
  return coracle_throw (error, CORACLE_ERROR_INVALID, "unsupported %s network option %s", config->driver, name);
}

static gboolean
take_options (Creation *creation, GError **error)
{
  for (const char *const *word = creation->request->options; word != NULL && *word != NULL; word++)
    {
      g_auto (GStrv) parts = g_strsplit (*word, "=", 2);
      if (!take_option (creation, parts[0] != NULL ? parts[0] : "", parts[0] != NULL && parts[1] != NULL ? parts[1] : "", error))
        return FALSE;
    }
  for (const char *const *word = creation->request->labels; word != NULL && *word != NULL; word++)
    {
      g_auto (GStrv) parts = g_strsplit (*word, "=", 2);
      if (parts[0] == NULL || parts[0][0] == '\0')
        return coracle_throw (error, CORACLE_ERROR_INVALID, "failed to parse labels: invalid label format: \"%s\"", *word);
      json_object_set_new (creation->config->labels, parts[0], json_string (parts[1] != NULL ? parts[1] : ""));
    }
  return TRUE;
}

/* ---- subnets */

/* read_range: "10.0.0.128/25" or "10.0.0.5-10.0.0.9". */
static gboolean
read_range (const char *text, NetConfigSubnet *subnet, GError **error)
{
  const char *dash = strchr (text, '-');
  char shown[NET_ADDRESS_TEXT];
  if (dash != NULL)
    {
      g_autofree char *first = g_strndup (text, (gsize) (dash - text));
      if (!net_address_parse (first, &subnet->first))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "range start ip \"%s\" is not a valid ip address", first);
      if (!net_address_parse (dash + 1, &subnet->last))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "range end ip \"%s\" is not a valid ip address", dash + 1);
    }
  else
    {
      NetSubnet range;
      if (!net_subnet_parse (text, &range, NULL))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid CIDR address: %s", text);
      net_subnet_last (&range, &subnet->last);
      if (!net_address_add (&range.base, 1, &subnet->first))
        subnet->first = range.base;
    }
  if (!net_subnet_contains (&subnet->subnet, &subnet->first) || !net_subnet_contains (&subnet->subnet, &subnet->last))
    {
      gboolean start = !net_subnet_contains (&subnet->subnet, &subnet->first);
      g_autofree char *whole = net_subnet_text (&subnet->subnet);
      return coracle_throw (error, CORACLE_ERROR_INVALID, "lease range %s ip %s not in subnet %s", start ? "start" : "end", net_address_text (start ? &subnet->first : &subnet->last, shown), whole);
    }
  if (net_address_compare (&subnet->first, &subnet->last) > 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "lease range %s: it ends before it starts", text);
  return TRUE;
}

/* is_for_hosts: no multicast, and none of IPv4's reserved addresses: no interface can have one of those. Source: RFC 5771, RFC 1112, RFC 4291. */
static gboolean
is_for_hosts (const NetSubnet *subnet)
{
  return subnet->base.bytes[0] < (subnet->base.size == 4 ? 0xe0 : 0xff);
}

static gboolean
add_subnet (Creation *creation, const char *text, const char *gateway, const char *range, GError **error)
{
  NetConfigSubnet subnet = { 0 };
  NetConfig *config = creation->config;
  if (!net_subnet_parse (text, &subnet.subnet, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid CIDR address: %s", text);
  g_autofree char *shown = net_subnet_text (&subnet.subnet);
  if (!is_for_hosts (&subnet.subnet))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "subnet %s: these are no addresses that a container can have", shown);
  if (is_taken (creation, &subnet.subnet))
    return coracle_throw (error, CORACLE_ERROR_EXISTS, "subnet %s is already used on the host or by another config", shown);
  for (guint i = 0; i < config->subnets->len; i++)
    if (net_subnet_overlaps (&g_array_index (config->subnets, NetConfigSubnet, i).subnet, &subnet.subnet))
      return coracle_throw (error, CORACLE_ERROR_INVALID, "subnet %s overlaps with another one of the same network", shown);
  if (net_subnet_size (&subnet.subnet) < 2)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "subnet %s has no room for a gateway and a container", shown);
  if (gateway != NULL && gateway[0] != '\0')
    {
      if (!net_address_parse (gateway, &subnet.gateway))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid argument \"%s\" for \"--gateway\" flag: invalid string being converted to IP address: %s", gateway, gateway);
      if (!net_subnet_contains (&subnet.subnet, &subnet.gateway))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "gateway %s not in subnet %s", gateway, shown);
    }
  else if (!(config->internal && strcmp (config->driver, "bridge") != 0))
    (void) net_address_add (&subnet.subnet.base, 1, &subnet.gateway);
  if (range != NULL && range[0] != '\0' && !read_range (range, &subnet, error))
    return FALSE;
  config->ipv6 = config->ipv6 || subnet.subnet.base.size == 16;
  g_array_append_val (config->subnets, subnet);
  return TRUE;
}

/* free_subnet4: the first of the pools that nobody has. */
static gboolean
free_subnet4 (const Creation *creation, NetSubnet *ret_subnet, GError **error)
{
  const GArray *pools = creation->place->pools;
  for (guint i = 0; i < pools->len; i++)
    {
      const NetworkPool *pool = &g_array_index (pools, NetworkPool, i);
      NetSubnet subnet = { pool->base.base, (uint8_t) pool->size };
      do
        if (!is_taken (creation, &subnet))
          {
            *ret_subnet = subnet;
            return TRUE;
          }
      while (net_address_add (&subnet.base, G_GUINT64_CONSTANT (1) << (32 - pool->size), &subnet.base) && net_subnet_contains (&pool->base, &subnet.base));
    }
  return coracle_throw (error, CORACLE_ERROR_EXISTS, "could not find free subnet from subnet pools");
}

/* free_subnet6: a random /64 of unique local addresses: RFC 4193. */
static gboolean
free_subnet6 (const Creation *creation, NetSubnet *ret_subnet, GError **error)
{
  for (int i = 0; i < 1000; i++)
    {
      NetSubnet subnet = { { .size = 16 }, 64 };
      if (getrandom (subnet.base.bytes + 1, 7, 0) != 7)
        break;
      subnet.base.bytes[0] = 0xfd;
      if (is_taken (creation, &subnet))
        continue;
      *ret_subnet = subnet;
      return TRUE;
    }
  return coracle_throw (error, CORACLE_ERROR_EXISTS, "could not find free IPv6 subnet");
}

static gboolean
add_free_subnet (Creation *creation, gboolean v6, GError **error)
{
  NetConfigSubnet subnet = { 0 };
  if (!(v6 ? free_subnet6 : free_subnet4) (creation, &subnet.subnet, error))
    return FALSE;
  (void) net_address_add (&subnet.subnet.base, 1, &subnet.gateway);
  g_array_append_val (creation->config->subnets, subnet);
  creation->config->ipv6 = creation->config->ipv6 || v6;
  return TRUE;
}

static guint
count (const char *const *list)
{
  return list != NULL ? g_strv_length ((char **) (uintptr_t) list) : 0;
}

static gboolean
has_family (const NetConfig *config, guint size)
{
  for (guint i = 0; i < config->subnets->len; i++)
    if (g_array_index (config->subnets, NetConfigSubnet, i).subnet.base.size == size)
      return TRUE;
  return FALSE;
}

static gboolean
choose_subnets (Creation *creation, GError **error)
{
  const NetworkCreate *request = creation->request;
  NetConfig *config = creation->config;
  guint subnets = count (request->subnets), gateways = count (request->gateways), ranges = count (request->ranges);
  if (subnets == 0 && (gateways > 0 || ranges > 0))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot set gateway or range without subnet");
  if (gateways > subnets)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot set more gateways than subnets");
  if (ranges > subnets)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot set more ranges than subnets");
  for (guint i = 0; i < subnets; i++)
    if (!add_subnet (creation, request->subnets[i], i < gateways ? request->gateways[i] : NULL, i < ranges ? request->ranges[i] : NULL, error))
      return FALSE;
  gboolean bridge = strcmp (config->driver, "bridge") == 0;
  if (request->ipam != NULL && request->ipam[0] != '\0')
    config->ipam = g_strdup (request->ipam);
  else
    config->ipam = g_strdup (!bridge && subnets == 0 ? "dhcp" : "host-local");
  if (strcmp (config->ipam, "host-local") != 0 && strcmp (config->ipam, "dhcp") != 0 && strcmp (config->ipam, "none") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "unsupported ipam driver \"%s\"", config->ipam);
  if (strcmp (config->ipam, "dhcp") == 0 && strcmp (config->driver, "ipvlan") == 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "ipam driver dhcp is not supported with ipvlan");
  if (strcmp (config->ipam, "host-local") != 0)
    return subnets == 0 || coracle_throw (error, CORACLE_ERROR_INVALID, "%s ipam driver does not support subnets", config->ipam);
  if (subnets == 0 && !add_free_subnet (creation, FALSE, error))
    return FALSE;
  if (!request->ipv6)
    return TRUE;
  /* --ipv6 means both kinds: what was not given is found */
  return (has_family (config, 4) || add_free_subnet (creation, FALSE, error)) && (has_family (config, 16) || add_free_subnet (creation, TRUE, error));
}

/* ---- routes, name servers */

static gboolean
add_route (NetConfig *config, const char *text, GError **error)
{
  NetConfigRoute route = { .metric = -1 };
  g_auto (GStrv) parts = g_strsplit (text, ",", -1);
  guint n = g_strv_length (parts);
  guint64 metric;
  if (n < 2 || n > 3)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid route: %s\nFormat: --route <destination in CIDR>,<gateway>,<metric (optional)>", text);
  if (!net_subnet_parse (parts[0], &route.destination, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid route destination %s", parts[0]);
  if (!net_address_parse (parts[1], &route.gateway) || route.gateway.size != route.destination.base.size)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid route gateway %s", parts[1]);
  if (n == 3 && !g_ascii_string_to_unsigned (parts[2], 10, 0, G_MAXUINT32, &metric, NULL))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid route metric %s", parts[2]);
  if (n == 3)
    route.metric = (gint64) metric;
  g_array_append_val (config->routes, route);
  return TRUE;
}

static gboolean
choose_rest (Creation *creation, GError **error)
{
  const NetworkCreate *request = creation->request;
  NetConfig *config = creation->config;
  NetAddress address;
  for (const char *const *route = request->routes; route != NULL && *route != NULL; route++)
    if (!add_route (config, *route, error))
      return FALSE;
  config->dns = strcmp (config->driver, "bridge") == 0 && !request->disable_dns && strcmp (config->ipam, "host-local") == 0;
  for (const char *const *server = request->dns; server != NULL && *server != NULL; server++)
    if (!net_address_parse (*server, &address))
      return coracle_throw (error, CORACLE_ERROR_INVALID, "unable to parse ip %s specified in NetworkDNSServers: invalid argument", *server);
  if (count (request->dns) == 0)
    return TRUE;
  if (!config->dns)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "cannot set NetworkDNSServers if DNS is not enabled for the network: invalid argument");
  config->dns_servers = g_strdupv ((char **) (uintptr_t) request->dns);
  return TRUE;
}

static gboolean
build (Creation *creation, GError **error)
{
  NetConfig *config = creation->config;
  config->internal = creation->request->internal;
  config->ipv6 = creation->request->ipv6;
  config->id = container_id_new ();
  config->created = text_time_rfc3339 (text_time_from_usec (g_get_real_time ()), TRUE);
  return choose_names (creation, error) && take_options (creation, error) && choose_subnets (creation, error) && check_mtu (creation->config, error) && choose_rest (creation, error);
}

gboolean
network_create (Storage *storage, const NetworkCreate *request, char **ret_name, GError **error)
{
  g_autoptr (NetworkPlace) place = network_place_new (storage->paths, error);
  g_autoptr (GPtrArray) others = NULL;
  g_autoptr (NetConfig) config = net_config_new ();
  if (place == NULL || (request->name != NULL && !check_name (request->name, error)))
    return FALSE;
  cleanup_fd int lock = net_store_lock (place->folder, FALSE, error);
  if (lock < 0 || !net_store_list (place->folder, place->default_name, place->default_subnet, &others, error))
    return FALSE;
  g_autoptr (GArray) host = host_subnets ();
  Creation creation = { .request = request, .place = place, .others = others, .host = host, .config = config };
  if (request->name != NULL && has_name (&creation, request->name))
    {
      if (!request->ignore)
        return coracle_throw (error, CORACLE_ERROR_EXISTS, "network name %s already used: network already exists", request->name);
      *ret_name = g_strdup (request->name);
      return TRUE;
    }
  if (!build (&creation, error) || !net_store_write (place->folder, config, error))
    return FALSE;
  event_network (storage, "create", config->id, config->name, config->driver);
  *ret_name = g_strdup (config->name);
  return TRUE;
}
