#include "network/firewall.h"

#include <nftables/libnftables.h>
#include <string.h>

#include "pkg/base/error.h"

#define TABLE "inet coracle"

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
add_forward (GString *text, const GPtrArray *configs)
{
  for (guint i = 0; i < configs->len; i++)
    {
      const NetConfig *config = configs->pdata[i];
      if (config->internal)
        g_string_append_printf (text, "    iifname \"%s\" oifname != \"%s\" drop\n    oifname \"%s\" iifname != \"%s\" drop\n", config->interface, config->interface, config->interface, config->interface);
      for (guint k = 0; k < configs->len; k++)
        {
          const NetConfig *other = configs->pdata[k];
          if (k != i && (is_strict (config) || is_strict (other) || (is_isolated (config) && is_isolated (other))))
            g_string_append_printf (text, "    iifname \"%s\" oifname \"%s\" drop\n", config->interface, other->interface);
        }
    }
}

static void
add_masquerade (GString *text, const GPtrArray *configs)
{
  for (guint i = 0; i < configs->len; i++)
    {
      const NetConfig *config = configs->pdata[i];
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
firewall_text (const GPtrArray *configs)
{
  GString *text = g_string_new ("add table " TABLE "\ndelete table " TABLE "\ntable " TABLE " {\n");
  g_string_append (text, "  chain forwarding {\n    type filter hook forward priority 0; policy accept;\n");
  add_forward (text, configs);
  g_string_append (text, "  }\n  chain leaving {\n    type nat hook postrouting priority 100; policy accept;\n");
  add_masquerade (text, configs);
  g_string_append (text, "  }\n}\n");
  return g_string_free (text, FALSE);
}

gboolean
firewall_apply (const char *text, GError **error)
{
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
  return coracle_throw (error, missing ? CORACLE_ERROR_UNSUPPORTED : CORACLE_ERROR_SYSTEM, "nftables: %s%s", said, missing ? " (named networks need a kernel with nf_tables and its nat)" : "");
}
