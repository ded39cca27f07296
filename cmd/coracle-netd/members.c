#include "netd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "network/ipam.h"
#include "network/netd.h"
#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/path.h"
#include "pkg/base/proc.h"
#include "pkg/json/json.h"

enum { FILE_MAX = 1 << 20 };

void
attachment_free (Attachment *attachment)
{
  if (attachment == NULL)
    return;
  net_config_free (attachment->config);
  g_free (attachment->interface);
  g_free (attachment->link);
  g_array_unref (attachment->leases);
  g_strfreev (attachment->aliases);
  json_decref (attachment->wanted);
  g_free (attachment);
}

void
member_free (Member *member)
{
  if (member == NULL)
    return;
  loop_drop (member->life);
  fd_close (member->ns);
  g_ptr_array_unref (member->attachments);
  g_strfreev (member->dns);
  g_free (member->id);
  g_free (member->name);
  g_free (member->hostname);
  g_free (member);
}

static gboolean
is_id (const char *text)
{
  return text != NULL && strlen (text) == 64 && strspn (text, "0123456789abcdef") == 64;
}

Member *
member_new (json_t *request, GError **error)
{
  const char *id = json_string_value (json_object_get (request, "id")), *name = json_string_value (json_object_get (request, "name"));
  char **dns = NULL;
  if (!is_id (id) || name == NULL)
    return coracle_throw (error, CORACLE_ERROR_INVALID, "coracle-netd: a container without id or name"), NULL;
  if (!json_get_strv (request, "dns", 64, &dns, error))
    return NULL;
  Member *member = g_new0 (Member, 1);
  member->id = g_strdup (id);
  member->name = g_strdup (name);
  member->hostname = g_strdup (json_string_value (json_object_get (request, "hostname")));
  member->dns = dns;
  if (dns != NULL && dns[0] == NULL)
    g_clear_pointer (&member->dns, g_strfreev);
  member->attachments = g_ptr_array_new_with_free_func ((GDestroyNotify) attachment_free);
  member->ns = member->user_ns = -1;
  return member;
}

Attachment *
member_find (const Member *member, const char *network)
{
  for (guint i = 0; i < member->attachments->len; i++)
    {
      Attachment *attachment = member->attachments->pdata[i];
      if (strcmp (attachment->config->name, network) == 0)
        return attachment;
    }
  return NULL;
}

/* ---- addresses */

/* holder: the member that has @address on @network; NULL: nobody. */
static const Member *
holder (Netd *netd, const char *network, const NetAddress *address)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, netd->members);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Attachment *attachment = member_find (value, network);
      for (guint i = 0; attachment != NULL && i < attachment->leases->len; i++)
        if (net_address_compare (&g_array_index (attachment->leases, Lease, i).address, address) == 0)
          return value;
    }
  return NULL;
}

typedef struct {
  Netd *netd;
  const Attachment *attachment;
} Taking;

static gboolean
is_taken (const NetAddress *address, void *data)
{
  const Taking *taking = data;
  for (guint i = 0; i < taking->attachment->leases->len; i++)
    if (net_address_compare (&g_array_index (taking->attachment->leases, Lease, i).address, address) == 0)
      return TRUE;
  return holder (taking->netd, taking->attachment->config->name, address) != NULL;
}

/* is_edge: IPv4's name of the whole subnet, or its broadcast address; the two of a /31 are hosts (RFC 3021). */
static gboolean
is_edge (const NetSubnet *subnet, const NetAddress *address)
{
  NetAddress last;
  net_subnet_last (subnet, &last);
  return address->size == 4 && subnet->prefix < 31 && (net_address_compare (address, &subnet->base) == 0 || net_address_compare (address, &last) == 0);
}

static void
add_lease (Attachment *attachment, const NetConfigSubnet *subnet, const NetAddress *address)
{
  const Lease lease = { .address = *address, .gateway = subnet->gateway, .prefix = subnet->subnet.prefix };
  g_array_append_val (attachment->leases, lease);
}

/* add_static: of the user's addresses those that are of @subnet. */
static gboolean
add_static (Netd *netd, Attachment *attachment, const NetConfigSubnet *subnet, gboolean *ret_any, GError **error)
{
  size_t i;
  json_t *item;
  *ret_any = FALSE;
  json_array_foreach (json_object_get (attachment->wanted, "static_ips"), i, item)
    {
      NetAddress address;
      const char *text = json_string_value (item);
      if (text == NULL || !net_address_parse (text, &address) || !net_subnet_contains (&subnet->subnet, &address))
        continue;
      if (is_edge (&subnet->subnet, &address))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "IPAM error: requested ip address %s is the first or the last of network %s, which no container can have", text, attachment->config->name);
      const Member *other = holder (netd, attachment->config->name, &address);
      if (other != NULL)
        return coracle_throw (error, CORACLE_ERROR_EXISTS, "IPAM error: requested ip address %s is already allocated to container ID %s", text, other->id);
      if (net_address_compare (&address, &subnet->gateway) == 0)
        return coracle_throw (error, CORACLE_ERROR_EXISTS, "IPAM error: requested ip address %s is the gateway of network %s", text, attachment->config->name);
      add_lease (attachment, subnet, &address);
      *ret_any = TRUE;
    }
  return TRUE;
}

/* check_static: is each of some subnet? */
static gboolean
check_static (const Attachment *attachment, GError **error)
{
  size_t i;
  json_t *item;
  json_array_foreach (json_object_get (attachment->wanted, "static_ips"), i, item)
    {
      NetAddress address;
      gboolean found = FALSE;
      if (json_string_value (item) == NULL || !net_address_parse (json_string_value (item), &address))
        return coracle_throw (error, CORACLE_ERROR_INVALID, "invalid ip address");
      for (guint k = 0; k < attachment->config->subnets->len; k++)
        found = found || net_subnet_contains (&g_array_index (attachment->config->subnets, NetConfigSubnet, k).subnet, &address);
      if (!found)
        return coracle_throw (error, CORACLE_ERROR_INVALID, "requested static ip %s not in any subnet on network %s", json_string_value (item), attachment->config->name);
    }
  return TRUE;
}

/* lease_all: an address of every subnet. Source: podman-run(1) --ip. */
static gboolean
lease_all (Netd *netd, Attachment *attachment, GError **error)
{
  if (!check_static (attachment, error))
    return FALSE;
  for (guint i = 0; i < attachment->config->subnets->len; i++)
    {
      const NetConfigSubnet *subnet = &g_array_index (attachment->config->subnets, NetConfigSubnet, i);
      gboolean any;
      if (!add_static (netd, attachment, subnet, &any, error))
        return FALSE;
      if (any)
        continue;
      g_autofree char *key = net_subnet_text (&subnet->subnet);
      Taking taking = { netd, attachment };
      NetAddress address;
      if (!ipam_choose (subnet, g_hash_table_lookup (netd->last, key), is_taken, &taking, &address, error))
        return FALSE;
      add_lease (attachment, subnet, &address);
      g_hash_table_insert (netd->last, g_steal_pointer (&key), g_memdup2 (&address, sizeof address));
    }
  return TRUE;
}

/* ---- names */

static gboolean
has_interface (const Member *member, const char *name)
{
  for (guint i = 0; i < member->attachments->len; i++)
    if (strcmp (((const Attachment *) member->attachments->pdata[i])->interface, name) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
choose_interface (Attachment *attachment, const Member *member, GError **error)
{
  const char *name = json_string_value (json_object_get (attachment->wanted, "interface_name"));
  if (name != NULL && (has_interface (member, name) || strcmp (name, "lo") == 0))
    return coracle_throw (error, CORACLE_ERROR_EXISTS, "interface name %s is already in use by the container", name);
  attachment->interface = g_strdup (name);
  for (guint i = 0; attachment->interface == NULL; i++)
    {
      g_autofree char *usual = g_strdup_printf ("eth%u", i);
      if (!has_interface (member, usual))
        attachment->interface = g_steal_pointer (&usual);
    }
  return TRUE;
}

static gboolean
link_is_taken (Netd *netd, const char *name)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, netd->members);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Member *member = value;
      for (guint i = 0; i < member->attachments->len; i++)
        if (strcmp (((const Attachment *) member->attachments->pdata[i])->link, name) == 0)
          return TRUE;
    }
  return FALSE;
}

static gboolean
choose_link (Netd *netd, Attachment *attachment, GError **error)
{
  const char *name = json_string_value (json_object_get (attachment->wanted, "host_interface_name"));
  if (!net_is_bridge (attachment->config))
    {
      attachment->link = g_strdup ("");
      return name == NULL
             || coracle_throw (error, CORACLE_ERROR_INVALID, "network %s: host_interface_name: a %s has no second end on the host", attachment->config->name, attachment->config->driver);
    }
  if (name != NULL && link_is_taken (netd, name))
    return coracle_throw (error, CORACLE_ERROR_EXISTS, "interface name %s is already in use on the host", name);
  attachment->link = g_strdup (name);
  while (attachment->link == NULL)
    {
      g_autofree char *usual = g_strdup_printf ("veth%u", netd->links++);
      if (!link_is_taken (netd, usual))
        attachment->link = g_steal_pointer (&usual);
    }
  return TRUE;
}

static void
set_aliases (Attachment *attachment, const Member *member)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  g_autofree char *short_id = g_strndup (member->id, 12);
  size_t i;
  json_t *alias;
  json_array_foreach (json_object_get (attachment->wanted, "aliases"), i, alias)
    if (json_is_string (alias))
      g_ptr_array_add (words, g_strdup (json_string_value (alias)));
  g_ptr_array_add (words, g_steal_pointer (&short_id));
  if (member->hostname != NULL && member->hostname[0] != '\0')
    g_ptr_array_add (words, g_strdup (member->hostname));
  g_ptr_array_add (words, NULL);
  attachment->aliases = (char **) g_ptr_array_free (g_steal_pointer (&words), FALSE);
}

Attachment *
member_attach (Netd *netd, const Member *member, json_t *network, GError **error)
{
  Attachment *attachment = g_new0 (Attachment, 1);
  attachment->leases = g_array_new (FALSE, TRUE, sizeof (Lease));
  attachment->wanted = json_copy (network);
  json_object_del (attachment->wanted, "config");
  attachment->config = net_config_from_json (json_object_get (network, "config"), error);
  const char *mac = json_string_value (json_object_get (network, "static_mac"));
  gboolean done = attachment->config != NULL;
  if (done && strcmp (attachment->config->ipam, "dhcp") == 0)
    done = coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "network %s: there is no DHCP server on a network of a user's containers: make it with --ipam-driver host-local", attachment->config->name);
  done = done && choose_interface (attachment, member, error) && choose_link (netd, attachment, error) && lease_all (netd, attachment, error);
  if (mac == NULL || !net_mac_parse (mac, attachment->mac))
    ipam_random_mac (attachment->mac);
  if (!done)
    g_clear_pointer (&attachment, attachment_free);
  else
    set_aliases (attachment, member);
  return attachment;
}

/* ---- files */

static json_t *
attachment_json (const Attachment *attachment)
{
  json_t *object = json_object (), *leases = json_array ();
  for (guint i = 0; i < attachment->leases->len; i++)
    {
      const Lease *lease = &g_array_index (attachment->leases, Lease, i);
      char text[NET_ADDRESS_TEXT];
      json_t *one = json_pack ("{s:s, s:i}", "address", net_address_text (&lease->address, text), "prefix", (int) lease->prefix);
      if (lease->gateway.size > 0)
        json_object_set_new (one, "gateway", json_string (net_address_text (&lease->gateway, text)));
      json_array_append_new (leases, one);
    }
  g_autofree char *mac = net_mac_text (attachment->mac);
  json_object_set_new (object, "name", json_string (attachment->config->name));
  json_object_set_new (object, "interface", json_string (attachment->interface));
  json_object_set_new (object, "link", json_string (attachment->link));
  json_object_set_new (object, "mac", json_string (mac));
  json_object_set_new (object, "leases", leases);
  json_object_set_new (object, "aliases", json_strv ((const char *const *) attachment->aliases));
  json_object_set (object, "wanted", attachment->wanted);
  json_object_set_new (object, "config", net_config_to_json (attachment->config));
  return object;
}

json_t *
member_json (const Member *member)
{
  json_t *object = json_pack ("{s:s, s:s}", "id", member->id, "name", member->name), *networks = json_array ();
  if (member->hostname != NULL)
    json_object_set_new (object, "hostname", json_string (member->hostname));
  if (member->dns != NULL)
    json_object_set_new (object, "dns", json_strv ((const char *const *) member->dns));
  for (guint i = 0; i < member->attachments->len; i++)
    json_array_append_new (networks, attachment_json (member->attachments->pdata[i]));
  json_object_set_new (object, "networks", networks);
  return object;
}

gboolean
member_record (Netd *netd, const Member *member, GError **error)
{
  json_auto_t *object = member_json (member);
  g_autofree char *text = json_to_text (object, 0, JSON_TEXT_DEFAULT);
  cleanup_fd int dir = openat (netd->run_fd, member->id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int r = dir < 0 ? -errno : path_write_file (dir, NETD_FILE, text, strlen (text), 0600, FALSE);
  return r == 0 || coracle_throw_errno (error, -r, "writing %s/%s/" NETD_FILE, netd->run_root, member->id);
}

static Attachment *
attachment_read (json_t *object)
{
  Attachment *attachment = g_new0 (Attachment, 1);
  size_t i;
  json_t *item;
  attachment->leases = g_array_new (FALSE, TRUE, sizeof (Lease));
  attachment->wanted = json_incref (json_object_get (object, "wanted"));
  attachment->config = net_config_from_json (json_object_get (object, "config"), NULL);
  attachment->interface = g_strdup (json_string_value (json_object_get (object, "interface")));
  attachment->link = g_strdup (json_string_value (json_object_get (object, "link")));
  const char *mac = json_string_value (json_object_get (object, "mac"));
  gboolean fine = attachment->config != NULL && attachment->interface != NULL && attachment->link != NULL && mac != NULL && net_mac_parse (mac, attachment->mac)
                  && json_get_strv (object, "aliases", 1024, &attachment->aliases, NULL);
  json_array_foreach (json_object_get (object, "leases"), i, item)
    {
      Lease lease = { .prefix = (uint8_t) json_integer_value (json_object_get (item, "prefix")) };
      const char *address = json_string_value (json_object_get (item, "address")), *gateway = json_string_value (json_object_get (item, "gateway"));
      fine = fine && address != NULL && net_address_parse (address, &lease.address) && (gateway == NULL || net_address_parse (gateway, &lease.gateway));
      g_array_append_val (attachment->leases, lease);
    }
  if (!fine)
    g_clear_pointer (&attachment, attachment_free);
  return attachment;
}

Member *
member_parse (json_t *object)
{
  Member *member = member_new (object, NULL);
  size_t i;
  json_t *item;
  json_array_foreach (member != NULL ? json_object_get (object, "networks") : NULL, i, item)
    {
      Attachment *attachment = attachment_read (item);
      if (attachment != NULL)
        g_ptr_array_add (member->attachments, attachment);
    }
  return member;
}

static Member *
member_read (Netd *netd, const char *id)
{
  g_autofree char *path = g_build_filename (id, NETD_FILE, NULL), *text = NULL;
  gsize size;
  if (!path_read_file (netd->run_fd, path, FILE_MAX, &text, &size, NULL))
    return NULL;
  json_auto_t *object = json_parse_bounded (text, size, FILE_MAX, JSON_PARSE_DEFAULT, NULL);
  return object != NULL ? member_parse (object) : NULL;
}

gboolean
member_is_alive (Netd *netd, const char *id)
{
  cleanup_fd int fd = openat (netd->run_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd >= 0 && flock (fd, LOCK_SH | LOCK_NB) < 0;
}

GPtrArray *
members_read (Netd *netd)
{
  GPtrArray *members = g_ptr_array_new ();
  int errsv;
  cleanup_fd int dir = openat (netd->run_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_autoptr (GPtrArray) names = dir >= 0 ? path_list (dir, &errsv) : NULL;
  for (guint i = 0; names != NULL && i < names->len; i++)
    {
      const char *id = names->pdata[i];
      Member *member = is_id (id) && g_hash_table_lookup (netd->members, id) == NULL && member_is_alive (netd, id) ? member_read (netd, id) : NULL;
      if (member != NULL)
        g_ptr_array_add (members, member);
    }
  return members;
}

/* open_noted: a pidfd of the process that the file names, if it is still in the namespace that was noted. */
static int
open_noted (Netd *netd, const char *id, const char *file, const char *kind, int *ret_pid)
{
  g_autofree char *path = g_build_filename (id, file, NULL), *text = NULL;
  unsigned long long inode;
  struct stat st;
  if (!path_read_file (netd->run_fd, path, 256, &text, NULL, NULL) || sscanf (text, "%d %llu", ret_pid, &inode) != 2)
    return -1;
  cleanup_fd int pidfd = proc_pidfd_open (*ret_pid);
  g_autofree char *ns = g_strdup_printf ("/proc/%d/ns/%s", *ret_pid, kind);
  return pidfd >= 0 && stat (ns, &st) == 0 && st.st_ino == inode ? fd_steal (&pidfd) : -1;
}

int
member_open_monitor (Netd *netd, const char *id)
{
  int pid;
  return open_noted (netd, id, "monitor.pid", "user", &pid);
}

int
member_open_ns (Netd *netd, const char *id)
{
  int pid;
  cleanup_fd int pidfd = open_noted (netd, id, "init.pid", "pid", &pid);
  g_autofree char *path = g_strdup_printf ("/proc/%d/ns/net", pid);
  return pidfd >= 0 ? open (path, O_RDONLY | O_CLOEXEC) : -1;
}
