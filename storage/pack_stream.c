/* pack_stream of pack.h. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "storage/pack.h"

#define PIPE_SIZE (1 << 20)

typedef struct {
  ByteStream stream;
  GThread *thread;             /* NULL: it has ended */
  int dir_fd, read_fd, write_fd;
  const PackOptions *options;
  gboolean (*verify) (void *data, GError **error);
  void *data;
  gboolean ok;                 /* the thread's: how it went, to be read after it has ended */
  GError *problem;
} PackStream;

static gpointer
pack_thread (gpointer data)
{
  PackStream *self = data;
  /* a reader that gives up is an error here like any other */
  sigset_t pipe;
  sigemptyset (&pipe);
  sigaddset (&pipe, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &pipe, NULL);
  self->ok = pack_tree (self->dir_fd, self->options, self->write_fd, &self->problem);
  fd_close (fd_steal (&self->write_fd));
  return NULL;
}

static void
join (PackStream *self)
{
  if (self->thread != NULL)
    g_thread_join (g_steal_pointer (&self->thread));
}

static gssize
pack_stream_read (ByteStream *stream, void *buffer, size_t size, GError **error)
{
  PackStream *self = (PackStream *) stream;
  ssize_t n;
  do
    n = read (self->read_fd, buffer, size);
  while (n < 0 && errno == EINTR);
  if (n > 0)
    return n;
  if (n < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "reading the packed files"), -1;
    }
  join (self);
  if (!self->ok)
    {
      g_propagate_error (error, g_steal_pointer (&self->problem));
      return -1;
    }
  return self->verify == NULL || self->verify (self->data, error) ? 0 : -1;
}

static void
pack_stream_free (ByteStream *stream)
{
  PackStream *self = (PackStream *) stream;
  fd_close (self->read_fd);
  join (self);
  g_clear_error (&self->problem);
  g_free (self);
}

ByteStream *
pack_stream (int dir_fd, const PackOptions *options, gboolean (*verify) (void *data, GError **error), void *data, GError **error)
{
  int fds[2];
  if (pipe2 (fds, O_CLOEXEC) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "making a pipe"), NULL;
    }
  (void) fcntl (fds[0], F_SETPIPE_SZ, PIPE_SIZE);
  PackStream *self = g_new0 (PackStream, 1);
  *self = (PackStream){ .stream = { pack_stream_read, pack_stream_free }, .dir_fd = dir_fd, .read_fd = fds[0], .write_fd = fds[1], .options = options, .verify = verify, .data = data };
  self->thread = g_thread_new ("pack", pack_thread, self);
  return &self->stream;
}
