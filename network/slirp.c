#include "network/slirp.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "pkg/base/fd.h"

typedef struct {
  const SlirpNetwork *network;   /* NULL = not slirp */
  GPtrArray *servers;   /* of gchar *, owned */
  GString *search, *options;   /* space separated */
  gboolean four, six;   /* the host has a server of that family */
} Resolver;

/* usable_server: an address; for slirp one that means the same inside: not the host's loopback, not of one of its links, and of a family that it has. */
static gboolean
usable_server (Resolver *resolver, const char *text)
{
  const SlirpNetwork *network = resolver->network;
  struct in_addr v4;
  struct in6_addr v6;
  g_autofree char *plain = g_strndup (text, strcspn (text, "%"));
  gboolean four = inet_pton (AF_INET, text, &v4) == 1, six = !four && inet_pton (AF_INET6, plain, &v6) == 1;
  resolver->four = resolver->four || four;
  resolver->six = resolver->six || six;
  if (network == NULL)
    return TRUE;
  if (four)
    return network->ipv4 && (ntohl (v4.s_addr) >> 24) != 127;
  return six && network->ipv6 && plain[strlen (plain)] == text[strlen (plain)] && !IN6_IS_ADDR_LOOPBACK (&v6) && !IN6_IS_ADDR_LINKLOCAL (&v6);
}

static void
add_server (Resolver *resolver, const char *text)
{
  if (!g_ptr_array_find_with_equal_func (resolver->servers, text, g_str_equal, NULL))
    g_ptr_array_add (resolver->servers, g_strdup (text));
}

static void
add_words (GString *to, char **words)
{
  for (; *words != NULL; words++)
    if (**words != '\0')
      g_string_append_printf (to, "%s%s", to->len > 0 ? " " : "", *words);
}

static void
parse_line (Resolver *resolver, char *line)
{
  line[strcspn (line, "#;\r")] = '\0';
  g_auto (GStrv) words = g_strsplit_set (g_strstrip (line), " \t", -1);
  if (words[0] == NULL)
    return;
  if (strcmp (words[0], "nameserver") == 0)
    {
      char **word = words + 1;
      while (*word != NULL && **word == '\0')
        word++;
      if (*word != NULL && usable_server (resolver, *word))
        add_server (resolver, *word);
    }
  else if (strcmp (words[0], "search") == 0 || strcmp (words[0], "domain") == 0)
    {
      /* the last one counts: resolv.conf(5) */
      g_string_truncate (resolver->search, 0);
      add_words (resolver->search, words + 1);
    }
  else if (strcmp (words[0], "options") == 0)
    add_words (resolver->options, words + 1);
}

static gboolean
given (const char *const *list)
{
  return list != NULL && list[0] != NULL;
}

/* override: the user's words in place of the host's; a single "." means none. */
static void
override (GString *to, const char *const *words)
{
  if (!given (words))
    return;
  g_string_truncate (to, 0);
  if (strcmp (words[0], ".") != 0 || words[1] != NULL)
    add_words (to, (char **) words);
}

static char *
format (const Resolver *resolver)
{
  g_autoptr (GString) text = g_string_new (NULL);
  if (resolver->search->len > 0)
    g_string_append_printf (text, "search %s\n", resolver->search->str);
  for (guint i = 0; i < resolver->servers->len; i++)
    g_string_append_printf (text, "nameserver %s\n", (const char *) resolver->servers->pdata[i]);
  if (resolver->options->len > 0)
    g_string_append_printf (text, "options %s\n", resolver->options->str);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* way_out: the host's address that what goes to @to comes from. Connecting a datagram socket sends nothing: it only asks for the route. NULL = there is none. */
static char *
way_out (const struct sockaddr *to, socklen_t to_size)
{
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } own;
  socklen_t size = sizeof own;
  char text[INET6_ADDRSTRLEN];
  cleanup_fd int fd = socket (to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect (fd, to, to_size) < 0 || getsockname (fd, &own.any, &size) < 0)
    return NULL;
  return g_strdup (inet_ntop (to->sa_family, to->sa_family == AF_INET ? (void *) &own.v4.sin_addr : &own.v6.sin6_addr, text, sizeof text));
}

char *
slirp_host_address (const SlirpNetwork *network)
{
  /* addresses for documentation: RFC 5737, RFC 3849 */
  const struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons (9), .sin_addr.s_addr = htonl (0xc0000201) };
  const struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons (9), .sin6_addr.s6_addr = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };
  char text[INET6_ADDRSTRLEN];
  char *address = network == NULL || network->ipv4 ? way_out ((const struct sockaddr *) &four, sizeof four) : NULL;
  if (address == NULL && (network == NULL || network->ipv6))
    address = way_out ((const struct sockaddr *) &six, sizeof six);
  if (address != NULL || network == NULL || !network->host_loopback)
    return address;
  return g_strdup (network->ipv4 ? inet_ntop (AF_INET, &network->gateway, text, sizeof text) : inet_ntop (AF_INET6, &network->gateway6, text, sizeof text));
}

/* add_own: in front of the host's: the network's own servers, which ask the host's of the same family. */
static void
add_own (Resolver *resolver)
{
  const SlirpNetwork *network = resolver->network;
  char text[INET6_ADDRSTRLEN];
  guint at = 0;
  if (network->ipv4 && (resolver->four || !(resolver->six && network->ipv6)))
    g_ptr_array_insert (resolver->servers, (int) at++, g_strdup (inet_ntop (AF_INET, &network->name_server, text, sizeof text)));
  if (network->ipv6 && (resolver->six || at == 0))
    g_ptr_array_insert (resolver->servers, (int) at, g_strdup (inet_ntop (AF_INET6, &network->name_server6, text, sizeof text)));
}

char *
slirp_resolv_conf (const char *host, const SlirpNetwork *network, const char *const *dns, const char *const *search, const char *const *options)
{
  if (given (dns) && strcmp (dns[0], "none") == 0 && dns[1] == NULL)
    return NULL;
  g_autoptr (GPtrArray) servers = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) search_words = g_string_new (NULL);
  g_autoptr (GString) option_words = g_string_new (NULL);
  Resolver resolver = { .network = network, .servers = servers, .search = search_words, .options = option_words };
  g_auto (GStrv) lines = g_strsplit (host != NULL ? host : "", "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    parse_line (&resolver, *line);
  if (network != NULL)
    add_own (&resolver);
  if (given (dns))
    {
      g_ptr_array_set_size (servers, 0);
      for (; *dns != NULL; dns++)
        add_server (&resolver, *dns);
    }
  override (search_words, search);
  override (option_words, options);
  return format (&resolver);
}
