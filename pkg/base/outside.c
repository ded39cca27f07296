#include "pkg/base/outside.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/error.h"
#include "pkg/base/fd.h"
#include "pkg/base/proc.h"

#define REQUEST_LIMIT ((gsize) 64 << 20)

/* What goes over the socket, each followed by its bytes. */
typedef struct {
  gsize words, input, limit;   /* @words: bytes of argv, every word with its NUL */
} Request;

typedef struct {
  int errsv;     /* it could not be started */
  int status;
  gboolean too_much;
  gsize output;
} Reply;

static int outside_fd = -1;   /* of this process; the child's end is nobody else's */

/* ---- running */

static int
spawn (char *const *argv, int input_fd, int output_fd, pid_t *ret_pid)
{
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_adddup2 (&actions, input_fd, STDIN_FILENO);
  posix_spawn_file_actions_adddup2 (&actions, output_fd, STDOUT_FILENO);
  int result = posix_spawnp (ret_pid, argv[0], &actions, NULL, argv, environ);
  posix_spawn_file_actions_destroy (&actions);
  return result;
}

/* collect: until the end; NULL beyond @limit. */
static char *
collect (int fd, gsize limit, gsize *ret_size)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();
  guint8 buffer[16384];
  ssize_t n;
  while ((n = read (fd, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR))
    {
      if (n > 0)
        g_byte_array_append (all, buffer, (guint) n);
      if (all->len > limit)
        return NULL;
    }
  *ret_size = all->len;
  g_byte_array_append (all, (const guint8 *) "", 1);
  return (char *) g_byte_array_free (g_steal_pointer (&all), FALSE);
}

/* run_here: @reply and, where all is well, the output. */
static char *
run_here (char *const *argv, const void *input, gsize input_size, gsize limit, Reply *reply)
{
  int ends[2];
  pid_t pid;
  *reply = (Reply){ 0 };
  cleanup_fd int input_fd = fd_memfd ("input", input, input_size);
  if (input_fd < 0 || pipe2 (ends, O_CLOEXEC) < 0)
    {
      reply->errsv = input_fd < 0 ? -input_fd : errno;
      return NULL;
    }
  cleanup_fd int in = ends[0], out = ends[1];
  reply->errsv = spawn (argv, input_fd, out, &pid);
  fd_close (fd_steal (&out));
  if (reply->errsv != 0)
    return NULL;
  char *output = collect (in, limit, &reply->output);
  reply->too_much = output == NULL;
  fd_close (fd_steal (&in));   /* who goes on writing is told */
  (void) proc_wait (pid, &reply->status);
  return output;
}

/* ---- the child */

static gboolean
receive (int fd, void *data, gsize size)
{
  return fd_read_all (fd, data, size) == (ssize_t) size;
}

static gboolean
serve_one (int fd)
{
  Request request;
  Reply reply;
  if (!receive (fd, &request, sizeof request) || request.words > REQUEST_LIMIT || request.input > REQUEST_LIMIT)
    return FALSE;
  g_autofree char *words = g_malloc (request.words + 1), *input = g_malloc (request.input + 1);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  if (!receive (fd, words, request.words) || !receive (fd, input, request.input))
    return FALSE;
  words[request.words] = '\0';
  for (char *word = words; word < words + request.words; word += strlen (word) + 1)
    g_ptr_array_add (argv, word);
  g_ptr_array_add (argv, NULL);
  g_autofree char *output = run_here ((char *const *) argv->pdata, input, request.input, request.limit, &reply);
  return fd_write_all (fd, &reply, sizeof reply) == 0 && (output == NULL || fd_write_all (fd, output, reply.output) == 0);
}

gboolean
outside_begin (GError **error)
{
  int ends[2];
  if (outside_fd >= 0)
    return TRUE;
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    {
      int errsv = errno;
      return coracle_throw_errno (error, errsv, "socketpair");
    }
  pid_t pid = fork ();
  int errsv = errno;
  if (pid == 0)
    {
      fd_close (ends[0]);
      while (serve_one (ends[1]))
        continue;
      _exit (0);
    }
  fd_close (ends[1]);
  if (pid < 0)
    {
      fd_close (ends[0]);
      return coracle_throw_errno (error, errsv, "fork");
    }
  outside_fd = ends[0];
  return TRUE;
}

/* ---- asking it */

/* ask: FALSE where the child is gone. */
static gboolean
ask (const char *const *argv, const void *input, gsize input_size, gsize limit, Reply *reply, char **ret_output)
{
  g_autoptr (GByteArray) words = g_byte_array_new ();
  for (const char *const *word = argv; *word != NULL; word++)
    g_byte_array_append (words, (const guint8 *) *word, (guint) strlen (*word) + 1);
  Request request = { words->len, input_size, limit };
  if (fd_write_all (outside_fd, &request, sizeof request) < 0 || fd_write_all (outside_fd, words->data, words->len) < 0 || fd_write_all (outside_fd, input, input_size) < 0
      || !receive (outside_fd, reply, sizeof *reply))
    return FALSE;
  if (reply->errsv != 0 || reply->too_much)
    return TRUE;
  g_autofree char *output = g_malloc (reply->output + 1);
  if (!receive (outside_fd, output, reply->output))
    return FALSE;
  output[reply->output] = '\0';
  *ret_output = g_steal_pointer (&output);
  return TRUE;
}

gboolean
outside_run (const char *const *argv, const void *input, gsize input_size, gsize limit, char **ret_output, gsize *ret_size, int *ret_status, GError **error)
{
  Reply reply;
  g_autofree char *output = NULL;
  if (outside_fd < 0)
    output = run_here ((char *const *) argv, input, input_size, limit, &reply);
  else if (!ask (argv, input, input_size, limit, &reply, &output))
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "%s: the process that was to start it is gone", argv[0]);
  if (reply.errsv != 0)
    return coracle_throw_errno (error, reply.errsv, "%s", argv[0]);
  if (reply.too_much)
    return coracle_throw (error, CORACLE_ERROR_CORRUPT, "%s: it says more than %" G_GSIZE_FORMAT " bytes", argv[0], limit);
  *ret_output = g_steal_pointer (&output);
  *ret_size = reply.output;
  *ret_status = reply.status;
  return TRUE;
}
