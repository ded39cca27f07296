#include "network/firewall.h"

#include <errno.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <string.h>
#include <sys/socket.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"

#define TABLE "inet coracle"
#define WANTED "named networks need a kernel with nf_tables and its nat"

static gboolean
is_strict (const NetConfig *config)
{
  return g_strcmp0 (net_config_option (config, "isolate"), "strict") == 0;
}

static gboolean
is_isolated (const NetConfig *config)
{
  return is_strict (config) || g_strcmp0 (net_config_option (config, "isolate"), "true") == 0;
}

/* add_forward: what must not pass from one bridge to another, nor out. */
static void
add_forward (GString *text, const GArray *networks)
{
  for (guint i = 0; i < networks->len; i++)
    {
      const NetConfig *config = g_array_index (networks, FirewallNetwork, i).config;
      if (config->internal)
        g_string_append_printf (text, "    iifname \"%s\" oifname != \"%s\" drop\n    oifname \"%s\" iifname != \"%s\" drop\n", config->interface, config->interface, config->interface, config->interface);
      for (guint k = 0; k < networks->len; k++)
        {
          const NetConfig *other = g_array_index (networks, FirewallNetwork, k).config;
          if (k != i && (is_strict (config) || is_strict (other) || (is_isolated (config) && is_isolated (other))))
            g_string_append_printf (text, "    iifname \"%s\" oifname \"%s\" drop\n", config->interface, other->interface);
        }
    }
}

/* add_names: where the name server listens elsewhere it is found at port 53 all the same. */
static void
add_names (GString *text, const FirewallNetwork *network)
{
  for (guint i = 0; network->dns_port > 0 && network->config->dns && i < network->config->subnets->len; i++)
    {
      const NetAddress *gateway = &g_array_index (network->config->subnets, NetConfigSubnet, i).gateway;
      char shown[NET_ADDRESS_TEXT];
      for (int tcp = 0; gateway->size > 0 && tcp < 2; tcp++)
        g_string_append_printf (text, "    iifname \"%s\" %s daddr %s %s dport 53 redirect to :%u\n", network->config->interface, gateway->size == 4 ? "ip" : "ip6",
                                net_address_text (gateway, shown), tcp ? "tcp" : "udp", network->dns_port);
    }
}

static void
add_masquerade (GString *text, const GArray *networks)
{
  for (guint i = 0; i < networks->len; i++)
    {
      const NetConfig *config = g_array_index (networks, FirewallNetwork, i).config;
      for (guint k = 0; !config->internal && k < config->subnets->len; k++)
        {
          const NetSubnet *subnet = &g_array_index (config->subnets, NetConfigSubnet, k).subnet;
          g_autofree char *shown = net_subnet_text (subnet);
          const char *family = subnet->base.size == 4 ? "ip" : "ip6", *multicast = subnet->base.size == 4 ? "224.0.0.0/4" : "ff00::/8";
          g_string_append_printf (text, "    %s saddr %s %s daddr != { %s, %s } masquerade\n", family, shown, family, shown, multicast);
        }
    }
}

char *
firewall_text (const GArray *networks)
{
  GString *text = g_string_new ("add table " TABLE "\ndelete table " TABLE "\ntable " TABLE " {\n");
  g_string_append (text, "  chain forwarding {\n    type filter hook forward priority 0; policy accept;\n");
  add_forward (text, networks);
  g_string_append (text, "  }\n  chain leaving {\n    type nat hook postrouting priority 100; policy accept;\n");
  add_masquerade (text, networks);
  g_autoptr (GString) names = g_string_new (NULL);
  for (guint i = 0; i < networks->len; i++)
    add_names (names, &g_array_index (networks, FirewallNetwork, i));
  if (names->len > 0)
    g_string_append_printf (text, "  }\n  chain names {\n    type nat hook prerouting priority -100; policy accept;\n%s", names->str);
  g_string_append (text, "  }\n}\n");
  return g_string_free (text, FALSE);
}

/* can_ask: whether the kernel has what nft speaks to: the library ends its process where it has not. */
static gboolean
can_ask (GError **error)
{
  cleanup_fd int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  int errsv = errno;
  return fd >= 0 || coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "nftables: %s (" WANTED ")", g_strerror (errsv));
}

gboolean
firewall_apply (const char *text, GError **error)
{
  if (!can_ask (error))
    return FALSE;
  struct nft_ctx *nft = nft_ctx_new (NFT_CTX_DEFAULT);
  if (nft == NULL)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "nftables: it cannot be used here");
  (void) nft_ctx_buffer_output (nft);
  (void) nft_ctx_buffer_error (nft);
  int r = nft_run_cmd_from_buffer (nft, text);
  g_autofree char *said = g_strdup (nft_ctx_get_error_buffer (nft));
  nft_ctx_free (nft);
  if (r == 0)
    return TRUE;
  said[strcspn (said, "\n")] = '\0';
  gboolean missing = strstr (said, "Operation not supported") != NULL || strstr (said, "Protocol not supported") != NULL || strstr (said, "No such file") != NULL;
  return coracle_throw (error, missing ? CORACLE_ERROR_UNSUPPORTED : CORACLE_ERROR_SYSTEM, "nftables: %s%s", said, missing ? " (" WANTED ")" : "");
}
