#include "monitor.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Messages sent in one call */
#define BATCH 32
#define SHORT_ID 12

typedef struct {
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH][4];
  size_t ends[BATCH];   /* how much of the data is done with each */
} Batch;

/* The journal's native protocol: "FIELD=text\n" each. Source: systemd, docs/JOURNAL_NATIVE_PROTOCOL.md; the fields are those that conmon sends and `podman logs` looks for. */
void
log_journal_start (Log *log, const char *id)
{
  char short_id[SHORT_ID + 1] = "";
  memcpy (short_id, id, strnlen (id, SHORT_ID));
  log->journal_size = sizeof log->journal;
  if (getpeername (log->to->fd, (struct sockaddr *) &log->journal, &log->journal_size) < 0)
    {
      log->journal = (struct sockaddr_un) { .sun_family = AF_UNIX, .sun_path = MONITOR_JOURNAL };
      log->journal_size = sizeof log->journal;
    }
  for (int which = 0; which < STREAMS; which++)
    {
      char *to = log->fields[which].text;
      const char *tag = log->to->tag;
      const char *const pairs[][2] = {
        { "PRIORITY=", which == STREAM_OUT ? "6" : "3" }, { "CONTAINER_ID=", short_id }, { "CONTAINER_ID_FULL=", id }, { "CONTAINER_NAME=", log->to->container_name },
        { "CONTAINER_TAG=", tag[0] != '\0' ? tag : NULL }, { "SYSLOG_IDENTIFIER=", tag[0] != '\0' ? tag : short_id },
      };
      for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i][1] != NULL)
          to = stpcpy (stpcpy (stpcpy (to, pairs[i][0]), pairs[i][1]), "\n");
      to = stpcpy (to, log->to->labels);
      log->fields[which].size = (size_t) (to - log->fields[which].text);
    }
}

/* fill_batch: a message for each line of @data. Returns how many. */
static unsigned
fill_batch (const Log *log, int which, const char *data, size_t size, Batch *batch)
{
  static const char partial[] = "\nCONTAINER_PARTIAL_MESSAGE=true\n";
  size_t at = 0;
  unsigned n = 0;
  for (; n < BATCH && at < size; n++)
    {
      const char *end = memchr (data + at, '\n', size - at);
      size_t line = end != NULL ? (size_t) (end - data) - at : size - at;
      struct iovec *parts = batch->parts[n];
      parts[0] = (struct iovec) { "MESSAGE=", 8 };
      parts[1] = (struct iovec) { (void *) (data + at), line };
      parts[2] = (struct iovec) { (void *) partial, end != NULL ? 1 : sizeof partial - 1 };
      parts[3] = (struct iovec) { (void *) log->fields[which].text, log->fields[which].size };
      batch->messages[n].msg_hdr = (struct msghdr) { .msg_iov = parts, .msg_iovlen = 4 };
      at += line + (end != NULL);
      batch->ends[n] = at;
    }
  return n;
}

/* connect_again: a journal that was started anew, or only now, listens at the same path. The kernel forgets the peer with the first refusal. */
static bool
connect_again (const Log *log)
{
  return connect (log->to->fd, (const struct sockaddr *) &log->journal, log->journal_size) == 0;
}

size_t
log_journal_write (Log *log, int which, const char *data, size_t size)
{
  Batch batch;
  bool again = true;
  for (size_t at = 0; at < size;)
    {
      unsigned n = fill_batch (log, which, data + at, size - at, &batch);
      int sent = sendmmsg (log->to->fd, batch.messages, n, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR)
        continue;
      if (sent < 0 && errno == EAGAIN)
        {
          log->blocked = true;
          return at;
        }
      if (sent < 0 && again && connect_again (log))
        {
          again = false;
          continue;
        }
      /* nobody is there: what the container prints now is lost */
      if (sent < 0)
        sent = errno == EMSGSIZE ? 1 : (int) n;
      at += batch.ends[sent - 1];
    }
  return size;
}

/* Source: unix(7), SIOCOUTQ: a datagram is its sender's until it is received. */
int
log_journal_queued (const Log *log)
{
  int bytes = 0;
  return log->to->kind == MONITOR_LOG_JOURNALD && log->to->fd >= 0 && ioctl (log->to->fd, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}
