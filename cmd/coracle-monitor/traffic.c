#include "monitor.h"

/* How long the end of a container waits for clients, and for a journal, that take nothing */
#define PATIENCE_US 2000000
/* How often the journal, which tells nobody, is asked meanwhile whether it has taken all */
#define QUEUE_TURN_US 5000

void
traffic_start (Traffic *traffic, MonitorStart *start)
{
  log_start (&traffic->log, &start->log, start->id);
  traffic_begin (traffic, start);
  clients_start (&traffic->clients, start, &traffic->input, &traffic->control);
}

void
traffic_begin (Traffic *traffic, const MonitorStart *start)
{
  bool tty = start->pty >= 0;
  traffic->finished = false;
  traffic->patience = 0;
  traffic->clients.init = start->init_pid;
  input_start (&traffic->input, start);
  for (int which = 0; which < STREAMS; which++)
    {
      Stream *stream = &traffic->streams[which];
      stream->which = which;
      stream->log = &traffic->log;
      stream->clients = &traffic->clients;
    }
  stream_start (&traffic->streams[STREAM_OUT], tty ? start->pty : start->stdout_fd, tty ? -1 : start->out_fd);
  stream_start (&traffic->streams[STREAM_ERR], tty ? -1 : start->stderr_fd, tty ? -1 : start->err_fd);
}

int
traffic_poll (Traffic *traffic, struct pollfd polls[TRAFFIC_POLLS])
{
  stream_poll (&traffic->streams[STREAM_OUT], &polls[TRAFFIC_OUT]);
  stream_poll (&traffic->streams[STREAM_ERR], &polls[TRAFFIC_ERR]);
  polls[TRAFFIC_LOG] = (struct pollfd) { .fd = traffic->log.blocked ? traffic->log.to->fd : -1, .events = POLLOUT };
  input_poll (&traffic->input, &polls[TRAFFIC_INPUT]);
  return TRAFFIC_CLIENTS + clients_poll (&traffic->clients, polls + TRAFFIC_CLIENTS);
}

uint64_t
traffic_due (const Traffic *traffic)
{
  if (!traffic->finished)
    return clients_due (&traffic->clients);
  if (stream_ready (&traffic->streams[STREAM_OUT]) || stream_ready (&traffic->streams[STREAM_ERR]))
    return 1;
  if (traffic->queued > 0)
    return monitor_now () + QUEUE_TURN_US;
  return traffic->patience;
}

static void
tell_broken (Traffic *traffic)
{
  Stream *out = &traffic->streams[STREAM_OUT], *err = &traffic->streams[STREAM_ERR];
  int broken = out->broken != 0 ? out->broken : err->broken;
  if (broken == 0)
    return;
  out->broken = err->broken = 0;
  clients_tell_broken (&traffic->clients, broken);
}

/* be_patient: once the container has ended, wait for those who take nothing for a while, and not longer. */
static void
be_patient (Traffic *traffic)
{
  bool waits = traffic->finished && (traffic->log.blocked || clients_wait (&traffic->clients));
  uint64_t now = waits ? monitor_now () : 0;
  if (!waits)
    traffic->patience = 0;
  else if (traffic->patience == 0 || traffic->clients.progress)
    traffic->patience = now + PATIENCE_US;
  else if (now >= traffic->patience)
    {
      clients_drop (&traffic->clients, false);
      if (traffic->log.blocked)
        log_drop (&traffic->log);
      traffic->patience = 0;
    }
  traffic->clients.progress = false;
}

void
traffic_serve (Traffic *traffic, const struct pollfd polls[TRAFFIC_POLLS])
{
  if (polls[TRAFFIC_LOG].revents != 0)
    traffic->log.blocked = false;
  input_serve (&traffic->input, &polls[TRAFFIC_INPUT]);
  clients_serve (&traffic->clients, polls + TRAFFIC_CLIENTS);
  if (traffic->input.broken)
    {
      traffic->input.broken = false;
      clients_tell_input (&traffic->clients);
    }
  if (traffic->clients.left)
    {
      stream_drop (&traffic->streams[STREAM_OUT]);
      stream_drop (&traffic->streams[STREAM_ERR]);
      traffic->clients.left = false;
    }
  be_patient (traffic);
  if (!traffic->finished)
    clients_pass (&traffic->clients);
  for (int which = 0; which < STREAMS; which++)
    {
      Stream *stream = &traffic->streams[which];
      if (polls[TRAFFIC_OUT + which].revents != 0)
        stream->blocked = false;
      /* what a client, the log or the caller has taken may have made room */
      if (stream->length > 0 || polls[TRAFFIC_OUT + which].revents != 0)
        stream_pump (stream, traffic->finished);
    }
  tell_broken (traffic);
}

void
traffic_finish (Traffic *traffic)
{
  traffic->finished = true;
  traffic->clients.init = 0;
  traffic->clients.progress = true;
  input_finish (&traffic->input);
}

/* journal_waits: messages are still on their way into the journal: who reads it after our end would miss the last ones. */
static bool
journal_waits (Traffic *traffic)
{
  int queued = log_journal_queued (&traffic->log);
  uint64_t now = queued > 0 ? monitor_now () : 0;
  if (queued != traffic->queued)
    traffic->queued_until = now + PATIENCE_US;
  traffic->queued = queued > 0 && now < traffic->queued_until ? queued : 0;
  return traffic->queued > 0;
}

bool
traffic_drained (Traffic *traffic)
{
  /* someone outside the container may still hold a write end and never close it: empty is the end now */
  for (int which = 0; which < STREAMS; which++)
    if (!traffic->streams[which].blocked)
      stream_pump (&traffic->streams[which], true);
  be_patient (traffic);
  tell_broken (traffic);
  return traffic->streams[STREAM_OUT].from < 0 && traffic->streams[STREAM_ERR].from < 0 && !journal_waits (traffic);
}

void
traffic_tell (Traffic *traffic, const MonitorExit *exited)
{
  clients_tell (&traffic->clients, exited);
  traffic->clients.progress = true;
  be_patient (traffic);
}

bool
traffic_waits (const Traffic *traffic)
{
  return traffic->clients.list[CLIENT_PRIMARY].socket >= 0 || clients_wait (&traffic->clients);
}
