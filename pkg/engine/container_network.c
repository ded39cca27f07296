#include "pkg/engine/container_network.h"

#include <string.h>

#include "network/address.h"
#include "pkg/base/error.h"

#define DEFAULT_NAME "podman"

static const struct {
  const char *word, *network;
  NetworkKind kind;
} modes[] = {
  { "", NULL, NETWORK_SLIRP },       { "default", NULL, NETWORK_SLIRP },  { "private", NULL, NETWORK_SLIRP }, { "slirp", "slirp4netns", NETWORK_SLIRP }, { "slirp4netns", "slirp4netns", NETWORK_SLIRP },
  { "pasta", "pasta", NETWORK_PASTA }, { "none", "none", NETWORK_NONE },  { "host", "host", NETWORK_HOST },   { "bridge", "bridge", NETWORK_BRIDGE },
};

NetworkKind
container_network_kind (const ContainerOptions *options)
{
  const char *text = options->network != NULL ? options->network : "";
  for (size_t i = 0; i < G_N_ELEMENTS (modes); i++)
    if (strcmp (text, modes[i].word) == 0)
      return modes[i].kind;
  return NETWORK_PATH;
}

/* ---- options of one named network */

static void
append_text (json_t *object, const char *key, const char *text)
{
  json_t *array = json_object_get (object, key);
  if (array == NULL)
    {
      array = json_array ();
      json_object_set_new (object, key, array);
    }
  json_array_append_new (array, json_string (text));
}

static gboolean
add_address (json_t *network, const char *text, GError **error)
{
  NetAddress address;
  if (!net_address_parse (text, &address))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid ip address \"%s\"", text);
  g_autofree char *usual = net_address_dup_text (&address);
  append_text (network, "static_ips", usual);
  return TRUE;
}

static gboolean
set_mac (json_t *network, const char *text, GError **error)
{
  uint8_t mac[6];
  if (!net_mac_parse (text, mac))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "address %s: invalid MAC address", text);
  g_autofree char *usual = net_mac_text (mac);
  json_object_set_new (network, "static_mac", json_string (usual));
  return TRUE;
}

/* set_interface: what the kernel takes as a name: dev_valid_name. */
static gboolean
set_interface (json_t *network, const char *key, const char *name, GError **error)
{
  if (name[0] == '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s cannot be empty: invalid argument", key);
  if (strlen (name) > 15 || strcmp (name, ".") == 0 || strcmp (name, "..") == 0 || name[strcspn (name, "/: \t\n\v\f\r")] != '\0')
    return coracle_throw (error, CORACLE_ERROR_INVALID, "%s %s: not the name of an interface: at most 15 characters, without '/', ':' and spaces", key, name);
  json_object_set_new (network, key, json_string (name));
  return TRUE;
}

static gboolean
set_option (json_t *network, const char *name, const char *value, GError **error)
{
  if (strcmp (name, "ip") == 0 || strcmp (name, "ip6") == 0)
    return add_address (network, value, error);
  if (strcmp (name, "mac") == 0)
    return set_mac (network, value, error);
  if (strcmp (name, "interface_name") == 0 || strcmp (name, "host_interface_name") == 0)
    return set_interface (network, name, value, error);
  if (strcmp (name, "alias") == 0)
    {
      if (value[0] == '\0')
        return coracle_throw (error, CORACLE_ERROR_INVALID, "alias cannot be empty: invalid argument");
      append_text (network, "aliases", value);
      return TRUE;
    }
  return coracle_throw (error, CORACLE_ERROR_INVALID, "unknown bridge network option: %s", name);
}

static gboolean
set_options (json_t *network, const char *text, GError **error)
{
  g_auto (GStrv) options = g_strsplit (text, ",", -1);
  for (char **option = options; *option != NULL; option++)
    {
      char *value = strchr (*option, '=');
      if (value != NULL)
        *value++ = '\0';
      if (!set_option (network, *option, value != NULL ? value : "", error))
        return FALSE;
    }
  return TRUE;
}

/* network_new: @name, and @options behind its colon, or NULL. */
static json_t *
network_new (const char *name, const char *options, GError **error)
{
  if (name[0] == '\0')
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "network name cannot be empty: invalid argument");
      return NULL;
    }
  json_auto_t *network = json_pack ("{s:s}", "name", name);
  if (network == NULL)
    coracle_throw (error, CORACLE_ERROR_INVALID, "network name: not UTF-8");
  else if (options != NULL && !set_options (network, options, error))
    g_clear_pointer (&network, json_decref);
  return g_steal_pointer (&network);
}

json_t *
container_network_parse_one (const char *word, GError **error)
{
  const char *colon = strchr (word, ':');
  g_autofree char *name = colon != NULL ? g_strndup (word, (gsize) (colon - word)) : g_strdup (word);
  return network_new (name, colon != NULL ? colon + 1 : NULL, error);
}

/* ---- --network */

static void
set_mode (ContainerOptions *options, const char *mode)
{
  g_free (options->network);
  options->network = g_strdup (mode);
  g_clear_pointer (&options->slirp_options, g_strfreev);
  json_decref (options->networks);
  options->networks = NULL;
}

/* default_name: the network that "bridge" means. */
static const char *
default_name (const ContainerOptions *options)
{
  return options->default_network != NULL ? options->default_network : DEFAULT_NAME;
}

static gboolean
add_network (ContainerOptions *options, const char *name, const char *words, GError **error)
{
  json_t *network = network_new (name, words, error), *other;
  size_t i;
  if (network == NULL)
    return FALSE;
  json_array_foreach (options->networks, i, other)
    if (strcmp (json_string_value (json_object_get (other, "name")), name) == 0)
      {
        /* as in Podman a map by name: what comes last counts, in the first one's place */
        json_array_set_new (options->networks, i, network);
        return TRUE;
      }
  json_array_append_new (options->networks, network);
  return TRUE;
}

/* read_named: the first --network: names parted by commas, or one name with options. */
static gboolean
read_named (ContainerOptions *options, const char *word, const char *colon, GError **error)
{
  set_mode (options, "bridge");
  options->networks = json_array ();
  if (colon != NULL)
    {
      g_autofree char *name = g_strndup (word, (gsize) (colon - word));
      return add_network (options, name, colon + 1, error);
    }
  g_auto (GStrv) names = g_strsplit (word, ",", -1);
  for (char **name = names; *name != NULL; name++)
    if (!add_network (options, *name, NULL, error))
      return FALSE;
  return TRUE;
}

static gboolean
read_bridge (ContainerOptions *options, const char *words, GError **error)
{
  g_autofree char *name = g_strdup (default_name (options));
  set_mode (options, "bridge");
  options->networks = json_array ();
  return add_network (options, name, words, error);
}

static gboolean
read_first (ContainerOptions *options, const char *word, GError **error)
{
  const char *colon = strchr (word, ':');
  size_t length = colon != NULL ? (size_t) (colon - word) : strlen (word);
  if (colon != NULL && (g_str_has_prefix (word, "container:") || g_str_has_prefix (word, "ns:")))
    {
      if (colon[1] == '\0')
        return coracle_throw (error, CORACLE_ERROR_INVALID, "must provide %s when using %.*s: invalid argument", word[0] == 'c' ? "container name or ID" : "a path to a namespace", (int) length, word);
      set_mode (options, word);
      return TRUE;
    }
  for (size_t i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      if (strlen (modes[i].word) != length || strncmp (modes[i].word, word, length) != 0)
        continue;
      if (modes[i].kind == NETWORK_BRIDGE)
        return read_bridge (options, colon != NULL ? colon + 1 : NULL, error);
      if (colon != NULL && modes[i].network == NULL)
        break;
      if (colon != NULL && modes[i].kind != NETWORK_SLIRP && modes[i].kind != NETWORK_PASTA)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "network mode %s takes no options: invalid argument", modes[i].word);
      g_auto (GStrv) usual = modes[i].kind == container_network_kind (options) ? g_steal_pointer (&options->slirp_options) : NULL;
      set_mode (options, modes[i].network);
      options->slirp_options = colon != NULL && colon[1] != '\0' ? g_strsplit (colon + 1, ",", -1) : g_steal_pointer (&usual);
      return TRUE;
    }
  return read_named (options, word, colon, error);
}

/* read_further: every --network after the first is one more named network. */
static gboolean
read_further (ContainerOptions *options, const char *word, GError **error)
{
  static const char *const other_modes[] = { "container", "ns", "pod", NULL };
  const char *colon = strchr (word, ':');
  g_autofree char *name = colon != NULL ? g_strndup (word, (gsize) (colon - word)) : g_strdup (word);
  gboolean mode = g_strv_contains (other_modes, name);
  for (size_t i = 1; i < G_N_ELEMENTS (modes); i++)
    mode = mode || strcmp (modes[i].word, name) == 0;
  if (mode || options->networks == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "can only set extra network names, selected mode %s conflicts with bridge: invalid argument",
                          mode ? name : options->network != NULL ? options->network : "private");
  return add_network (options, name, colon != NULL ? colon + 1 : NULL, error);
}

static gboolean
has_flags (const NetworkFlags *flags)
{
  return flags->ip != NULL || flags->ip6 != NULL || flags->mac != NULL || (flags->aliases != NULL && flags->aliases[0] != NULL);
}

static gboolean
apply_flags (ContainerOptions *options, const NetworkFlags *flags, GError **error)
{
  const struct { const char *flag, *value; } singles[] = { { "ip", flags->ip }, { "ip6", flags->ip6 }, { "mac-address", flags->mac } };
  if (!has_flags (flags))
    return TRUE;
  if (options->networks == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid config provided: networks and static ip/mac address can only be used with Bridge mode networking: say --network NAME, too");
  for (size_t i = 0; i < G_N_ELEMENTS (singles); i++)
    if (singles[i].value != NULL && json_array_size (options->networks) > 1)
      return coracle_throw (error, CORACLE_ERROR_INVALID, "--%s can only be set for a single network: invalid argument", singles[i].flag);
  json_t *first = json_array_get (options->networks, 0), *network;
  NetAddress address;
  size_t i;
  if (flags->ip != NULL && net_address_parse (flags->ip, &address) && address.size != 4)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--ip: \"%s\" is not an IPv4 address", flags->ip);
  if (flags->ip6 != NULL && net_address_parse (flags->ip6, &address) && address.size != 16)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--ip6: \"%s\" is not an IPv6 address", flags->ip6);
  if ((flags->ip != NULL && !add_address (first, flags->ip, error)) || (flags->ip6 != NULL && !add_address (first, flags->ip6, error))
      || (flags->mac != NULL && !set_mac (first, flags->mac, error)))
    return FALSE;
  json_array_foreach (options->networks, i, network)
    for (const char *const *alias = flags->aliases; alias != NULL && *alias != NULL; alias++)
      if (!set_option (network, "alias", *alias, error))
        return FALSE;
  return TRUE;
}

gboolean
container_network_read (ContainerOptions *options, const char *const *words, const NetworkFlags *flags, GError **error)
{
  if (words[0] != NULL && !read_first (options, words[0], error))
    return FALSE;
  for (size_t i = 1; words[0] != NULL && words[i] != NULL; i++)
    if (!read_further (options, words[i], error))
      return FALSE;
  return apply_flags (options, flags, error);
}

/* ---- containers.conf */

static gboolean
conf_text (const json_t *table, const char *key, const char **ret_text, GError **error)
{
  const json_t *value = json_object_get (table, key);
  if (value != NULL && !json_is_string (value))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "containers.conf: %s: must be a string", key);
  *ret_text = json_string_value (value);
  return TRUE;
}

static gboolean
conf_list (const json_t *table, const char *key, char ***ret_list, GError **error)
{
  const json_t *value = json_object_get (table, key), *item;
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();
  size_t i;
  if (value == NULL || json_array_size (value) == 0)
    return value == NULL || json_is_array (value) || coracle_throw (error, CORACLE_ERROR_INVALID, "containers.conf: %s: must be an array of strings", key);
  json_array_foreach (value, i, item)
    {
      if (!json_is_string (item))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "containers.conf: %s: must be an array of strings", key);
      g_strv_builder_add (words, json_string_value (item));
    }
  *ret_list = g_strv_builder_end (words);
  return TRUE;
}

gboolean
container_network_default (ContainerOptions *options, const json_t *containers, const json_t *engine, const json_t *network, GError **error)
{
  const char *mode = NULL, *command = NULL, *name = NULL;
  g_auto (GStrv) slirp = NULL;
  if (!conf_text (containers, "netns", &mode, error) || !conf_text (network, "default_rootless_network_cmd", &command, error) || !conf_text (network, "default_network", &name, error)
      || !conf_list (engine, "network_cmd_options", &slirp, error))
    return FALSE;
  /* Podman's own default is pasta, a file that says so says nothing: ours is slirp, which needs no other program */
  if (command != NULL && command[0] != '\0' && strcmp (command, "pasta") != 0 && strcmp (command, "slirp4netns") != 0)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "containers.conf: invalid default_rootless_network_cmd option \"%s\"", command);
  if (name != NULL && name[0] != '\0')
    options->default_network = (g_free (options->default_network), g_strdup (name));
  if (mode != NULL && strcmp (mode, "pasta") != 0 && !read_first (options, mode, error))
    return coracle_prefix (error, "containers.conf: netns");
  if (slirp != NULL && options->slirp_options == NULL && container_network_kind (options) == NETWORK_SLIRP)
    options->slirp_options = g_steal_pointer (&slirp);
  return TRUE;
}
