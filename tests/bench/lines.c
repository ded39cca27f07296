/* lines: as many numbered log lines as are asked for, the same ones at every call, no two alike: a journal keeps only one copy of a text that comes twice.
 *
 *   lines MEGABYTES FROM TO [SOCKET ID]
 *
 * Each is FROM to TO bytes long: a JSON object with a time, a number, a trace and a text of words and numbers, as services write them. To standard output; or to SOCKET, each as the
 * message that the log driver journald sends of the container ID, one for each call: what a program can do that does nothing else. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { POOL = 1 << 20, LINE_MAX_SIZE = 1 << 16, CHUNK = 1 << 17 };

static char pool[POOL + LINE_MAX_SIZE];

static uint64_t
next_number (uint64_t *seed)
{
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  return *seed ^= *seed << 17;
}

/* fill_pool: what the texts are pieces of. */
static void
fill_pool (void)
{
  static const char *const words[] = { "accepted", "request", "from", "customer", "order", "checkout", "timeout", "of", "retry", "in", "stock", "payment", "with", "status",
                                       "GET", "/api/v2/items", "upstream", "closed", "the", "connection", "after", "queue", "depth", "is", "cache", "miss", "for", "key",
                                       "handler", "returned", "database", "commit", "took", "ms", "bytes", "user", "session", "worker", "at", "com.example.shop.Cart.add(Cart.java:112)" };
  uint64_t seed = 88172645463325252ull;
  for (size_t at = 0; at + 64 < sizeof pool;)
    {
      uint64_t number = next_number (&seed);
      if (number % 5 == 0)
        at += (size_t) sprintf (pool + at, "%llx ", (unsigned long long) (number >> 24));
      else
        at += (size_t) sprintf (pool + at, "%s ", words[number / 8 % (sizeof words / sizeof words[0])]);
    }
}

/* put_line: number @n, without a newline. Returns its length, at most LINE_MAX_SIZE. */
static size_t
put_line (char *to, uint64_t n, size_t from, size_t until)
{
  size_t want = from + (size_t) (n * 7919 % (until - from + 1));
  uint64_t seed = n * 2654435761u + 1;
  uint64_t trace = next_number (&seed);
  size_t head = (size_t) sprintf (to, "{\"time\":\"2026-01-02T03:%02u:%02u.%06uZ\",\"n\":%llu,\"trace\":\"%016llx\",\"message\":\"", (unsigned) (n / 60000 % 60), (unsigned) (n / 1000 % 60),
                                  (unsigned) (n % 1000 * 1000), (unsigned long long) n, (unsigned long long) trace);
  size_t text = want > head + 2 ? want - head - 2 : 0;
  memcpy (to + head, pool + trace % POOL, text);
  memcpy (to + head + text, "\"}", 2);
  return head + text + 2;
}

static int
print (uint64_t bytes, size_t from, size_t until)
{
  static char buffer[CHUNK + LINE_MAX_SIZE + 1];
  size_t used = 0;
  uint64_t done = 0;
  for (uint64_t n = 0; done < bytes; n++)
    {
      size_t size = put_line (buffer + used, n, from, until);
      buffer[used + size] = '\n';
      used += size + 1;
      done += size + 1;
      if (used < CHUNK && done < bytes)
        continue;
      for (size_t at = 0; at < used;)
        {
          ssize_t written = write (STDOUT_FILENO, buffer + at, used - at);
          if (written < 0)
            return 1;
          at += (size_t) written;
        }
      used = 0;
    }
  return 0;
}

static int
send_all (uint64_t bytes, size_t from, size_t until, const char *path, const char *id)
{
  static char line[LINE_MAX_SIZE];
  char fields[512];
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_DGRAM, 0);
  strncpy (address.sun_path, path, sizeof address.sun_path - 1);
  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) < 0)
    {
      perror (path);
      return 1;
    }
  int size = snprintf (fields, sizeof fields, "\nPRIORITY=6\nCONTAINER_ID=%s\nCONTAINER_ID_FULL=%s\nCONTAINER_NAME=talker\nSYSLOG_IDENTIFIER=%s\n", id, id, id);
  uint64_t done = 0;
  for (uint64_t n = 0; done < bytes; n++)
    {
      struct iovec parts[] = { { "MESSAGE=", 8 }, { line, put_line (line, n, from, until) }, { fields, (size_t) size } };
      struct msghdr message = { .msg_iov = parts, .msg_iovlen = 3 };
      done += parts[1].iov_len + 1;
      if (sendmsg (fd, &message, MSG_NOSIGNAL) < 0)
        {
          perror (path);
          return 1;
        }
    }
  return 0;
}

int
main (int argc, char **argv)
{
  if (argc != 4 && argc != 6)
    {
      fprintf (stderr, "usage: lines MEGABYTES FROM TO [SOCKET ID]\n");
      return 2;
    }
  uint64_t bytes = strtoull (argv[1], NULL, 10) * 1000000;
  size_t from = strtoul (argv[2], NULL, 10), until = strtoul (argv[3], NULL, 10);
  if (from < 128 || until < from || until > LINE_MAX_SIZE)
    {
      fprintf (stderr, "lines: FROM is at least 128, TO at least FROM and at most %d\n", LINE_MAX_SIZE);
      return 2;
    }
  fill_pool ();
  return argc == 6 ? send_all (bytes, from, until, argv[4], argv[5]) : print (bytes, from, until);
}
