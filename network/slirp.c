#include "network/slirp.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "pkg/base/fd.h"

#define SLIRP_NAME_SERVER "10.0.2.3"

typedef struct {
  GPtrArray *servers;   /* of gchar *, owned */
  GString *search, *options;   /* space separated */
} Resolver;

/* usable_server: an address; for @slirp one that means the same inside: not the host's loopback, not of one of its links. */
static gboolean
usable_server (const char *text, gboolean slirp)
{
  struct in_addr v4;
  struct in6_addr v6;
  if (!slirp)
    return TRUE;
  if (inet_pton (AF_INET, text, &v4) == 1)
    return (ntohl (v4.s_addr) >> 24) != 127;
  return inet_pton (AF_INET6, text, &v6) == 1 && !IN6_IS_ADDR_LOOPBACK (&v6) && !IN6_IS_ADDR_LINKLOCAL (&v6);
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
parse_line (Resolver *resolver, char *line, gboolean slirp)
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
      if (*word != NULL && usable_server (*word, slirp))
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

char *
slirp_host_address (void)
{
  /* connecting a datagram socket sends nothing: it only asks for the route, here to an address for documentation (RFC 5737) */
  cleanup_fd int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (9), .sin_addr.s_addr = htonl (0xc0000201) };
  socklen_t size = sizeof address;
  char text[INET_ADDRSTRLEN];
  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) < 0 || getsockname (fd, (struct sockaddr *) &address, &size) < 0)
    return NULL;
  return g_strdup (inet_ntop (AF_INET, &address.sin_addr, text, sizeof text));
}

char *
slirp_resolv_conf (const char *host, gboolean slirp, const char *const *dns, const char *const *search, const char *const *options)
{
  if (given (dns) && strcmp (dns[0], "none") == 0 && dns[1] == NULL)
    return NULL;
  g_autoptr (GPtrArray) servers = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) search_words = g_string_new (NULL);
  g_autoptr (GString) option_words = g_string_new (NULL);
  Resolver resolver = { .servers = servers, .search = search_words, .options = option_words };
  if (slirp)
    add_server (&resolver, SLIRP_NAME_SERVER);
  g_auto (GStrv) lines = g_strsplit (host != NULL ? host : "", "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    parse_line (&resolver, *line, slirp);
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
