/* The tar of output.h. */
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "pkg/archive/inflate.h"
#include "pkg/archive/output.h"
#include "pkg/base/error.h"

#define PIECE (256 * 1024)
#define THREADS_MAX 8

/* put_number: octal digits and a NUL; base-256 (GNU) for what does not fit. */
static void
put_number (char *field, size_t width, guint64 value)
{
  if (value >> (3 * (width - 1)) == 0)
    {
      g_snprintf (field, (gulong) width, "%0*" G_GINT64_MODIFIER "o", (int) width - 1, value);
      return;
    }
  for (size_t i = width; i-- > 0; value >>= 8)
    field[i] = (char) (value & 0xff);
  field[0] = (char) (field[0] | 0x80);
}

void
tar_header (char *block, TarType type, const char *name, const char *target, guint mode, gint64 size)
{
  memset (block, 0, TAR_BLOCK);
  memcpy (block, name, MIN (strlen (name), 100));
  put_number (block + 100, 8, mode);
  put_number (block + 108, 8, 0);
  put_number (block + 116, 8, 0);
  put_number (block + 124, 12, (guint64) size);
  put_number (block + 136, 12, 0);
  block[156] = (char) type;
  if (target != NULL)
    memcpy (block + 157, target, MIN (strlen (target), 100));
  memcpy (block + 257, "ustar\0" "00", 8);
  guint sum = 8 * ' ';
  for (int i = 0; i < TAR_BLOCK; i++)
    sum += (guchar) block[i];
  put_number (block + 148, 7, sum);
  block[155] = ' ';
}

static gboolean
write_padding (Output *output, gint64 size, GError **error)
{
  static const char zeros[TAR_BLOCK];
  return output_write (output, zeros, tar_padding (size), error);
}

static gboolean
write_header (Output *output, TarType type, const char *name, const char *target, guint mode, gint64 size, GError **error)
{
  char block[TAR_BLOCK];
  tar_header (block, type, name, target, mode, size);
  return output_write (output, block, sizeof block, error);
}

gboolean
tar_add_data (Output *output, const char *name, guint mode, const void *data, size_t size, GError **error)
{
  return write_header (output, TAR_FILE, name, NULL, mode, (gint64) size, error) && output_write (output, data, size, error) && write_padding (output, (gint64) size, error);
}

gboolean
tar_add_file (Output *output, const char *name, guint mode, int fd, gint64 size, GError **error)
{
  return write_header (output, TAR_FILE, name, NULL, mode, size, error) && output_copy (output, fd, size, error) && write_padding (output, size, error);
}

gboolean
tar_add_link (Output *output, const char *name, const char *target, GError **error)
{
  return write_header (output, TAR_LINK, name, target, 0777, 0, error);
}

gboolean
tar_add_folder (Output *output, const char *name, GError **error)
{
  return write_header (output, TAR_FOLDER, name, NULL, 0755, 0, error);
}

gboolean
tar_end (Output *output, GError **error)
{
  static const char zeros[2 * TAR_BLOCK];
  return output_write (output, zeros, sizeof zeros, error);
}

/* ---- layers, inflated */

typedef struct {
  const TarLayer *layer;
  Compression compression;
  gint64 expected;         /* inflated; -1: nothing says */
  gint64 begin;            /* of its header in the file */
  gboolean right;          /* it was written whole, and @expected was true */
  GError *problem;
} Job;

typedef struct {
  Output *output;          /* NULL: only measure */
  Job *jobs;
  guint *order;            /* of the jobs: the largest first, so that no thread begins with it when the others have ended */
  guint n_jobs;
  gint next, wrong;        /* atomic: the next of @order; has a guess been wrong, so that the rest is in vain? */
} Jobs;

/* job_guess: what the compressed data says of the size: gzip's last four bytes (RFC 1952 ISIZE, of its last member, modulo 2^32), zstd's first frame. */
static void
job_guess (Job *job)
{
  guint8 head[32] = { 0 };
  ssize_t n = pread (job->layer->fd, head, sizeof head, 0);
  job->compression = compression_detect (head, n > 0 ? (size_t) n : 0);
  job->expected = -1;
  if (job->compression == COMPRESSION_NONE)
    job->expected = job->layer->size;
  else if (job->compression == COMPRESSION_GZIP && job->layer->size > 18)
    {
      guint8 tail[4];
      if (pread (job->layer->fd, tail, sizeof tail, job->layer->size - 4) == (ssize_t) sizeof tail)
        job->expected = (gint64) tail[0] | (gint64) tail[1] << 8 | (gint64) tail[2] << 16 | (gint64) tail[3] << 24;
    }
  else if (job->compression == COMPRESSION_ZSTD)
    {
      unsigned long long size = ZSTD_getFrameContentSize (head, (size_t) MAX (n, 0));
      if (size < (unsigned long long) G_MAXINT64 / 2)
        job->expected = (gint64) size;
    }
}

static ByteStream *
job_stream (const Job *job, GError **error)
{
  return inflate_open (byte_stream_from_range (job->layer->fd, 0, job->layer->size), NULL, error);
}

/* job_at: the layer with header and padding where it is expected to be; stops where it becomes longer. */
static gboolean
job_at (const Jobs *jobs, const Job *job, gboolean *ret_right, GError **error)
{
  char block[TAR_BLOCK];
  gint64 at = job->begin + TAR_BLOCK, end = at + job->expected;
  g_autoptr (ByteStream) stream = job_stream (job, error);
  g_autofree char *piece = g_malloc (PIECE);
  *ret_right = FALSE;
  if (stream == NULL)
    return FALSE;
  for (;;)
    {
      gssize n = byte_stream_read (stream, piece, PIECE, error);
      if (n < 0)
        return FALSE;
      if (n == 0 || at + n > end || g_atomic_int_get (&jobs->wrong))
        {
          *ret_right = n == 0 && at == end;
          break;
        }
      if (!output_write_at (jobs->output, at, piece, (size_t) n, error))
        return FALSE;
      at += n;
    }
  if (!*ret_right)
    return TRUE;
  tar_header (block, TAR_FILE, job->layer->name, NULL, job->layer->mode, job->expected);
  if (!output_write_at (jobs->output, job->begin, block, sizeof block, error))
    return FALSE;
  memset (block, 0, sizeof block);
  return output_write_at (jobs->output, end, block, tar_padding (job->expected), error);
}

static gboolean
job_measure (Job *job, GError **error)
{
  g_autoptr (ByteStream) stream = job_stream (job, error);
  g_autofree char *piece = g_malloc (PIECE);
  gint64 size = 0;
  for (gssize n = 1; n > 0; size += n)
    {
      n = stream != NULL ? byte_stream_read (stream, piece, PIECE, error) : -1;
      if (n < 0)
        return FALSE;
    }
  job->expected = size;
  return TRUE;
}

static gpointer
jobs_thread (gpointer data)
{
  Jobs *jobs = data;
  for (;;)
    {
      guint i = (guint) g_atomic_int_add (&jobs->next, 1);
      if (i >= jobs->n_jobs)
        return NULL;
      Job *job = &jobs->jobs[jobs->order[i]];
      if (job->compression == COMPRESSION_NONE)   /* known, and moved in the kernel by the caller's thread */
        continue;
      gboolean right = TRUE, ok = jobs->output != NULL ? !g_atomic_int_get (&jobs->wrong) && job->begin >= 0 && job_at (jobs, job, &right, &job->problem) : job_measure (job, &job->problem);
      job->right = ok && right;
      if (!job->right)
        g_atomic_int_set (&jobs->wrong, 1);
    }
}

static void
jobs_run (Jobs *jobs)
{
  GThread *threads[THREADS_MAX];
  guint n = 0, wanted = MIN (MIN (g_get_num_processors (), THREADS_MAX), jobs->n_jobs);
  while (n + 1 < wanted)
    {
      threads[n] = g_thread_try_new ("inflate", jobs_thread, jobs, NULL);
      if (threads[n] == NULL)
        break;
      n++;
    }
  (void) jobs_thread (jobs);
  while (n > 0)
    (void) g_thread_join (threads[--n]);
}

static int
compare_sizes (const void *a, const void *b, void *data)
{
  const Job *jobs = data;
  gint64 one = jobs[*(const guint *) a].layer->size, other = jobs[*(const guint *) b].layer->size;
  return one > other ? -1 : one < other;
}

/* jobs_place: where each will begin, as far as sizes are known. */
static void
jobs_place (Jobs *jobs, gint64 at)
{
  for (guint i = 0; i < jobs->n_jobs; i++)
    {
      Job *job = &jobs->jobs[i];
      job->begin = at;
      if (at >= 0)
        at = job->expected < 0 ? -1 : at + TAR_BLOCK + job->expected + (gint64) tar_padding (job->expected);
      if (job->expected < 0)
        job->begin = -1;
    }
}

/* job_here: at the output's place, one after the other. The header is mended when the size turns out. */
static gboolean
job_here (Output *output, Job *job, GError **error)
{
  gint64 begin = output_at (output), size = 0;
  g_autoptr (ByteStream) stream = job_stream (job, error);
  g_autofree char *piece = g_malloc (PIECE);
  if (stream == NULL || !write_header (output, TAR_FILE, job->layer->name, NULL, job->layer->mode, MAX (job->expected, 0), error))
    return FALSE;
  for (gssize n;; size += n)
    {
      n = byte_stream_read (stream, piece, PIECE, error);
      if (n < 0 || !output_write (output, piece, (size_t) n, error))
        return FALSE;
      if (n == 0)
        break;
    }
  if (size != job->expected)
    {
      if (!output_random (output))
        return coracle_throw (error, CORACLE_ERROR_CORRUPT, "the blob was changed meanwhile");
      char block[TAR_BLOCK];
      tar_header (block, TAR_FILE, job->layer->name, NULL, job->layer->mode, size);
      if (!output_write_at (output, begin, block, sizeof block, error))
        return FALSE;
      job->expected = size;
    }
  return write_padding (output, size, error);
}

/* job_finish: what is left to do for a layer after the threads. */
static gboolean
job_finish (Output *output, Job *job, gboolean placed, GError **error)
{
  if (job->problem != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&job->problem));
      return FALSE;
    }
  if (job->compression == COMPRESSION_NONE)
    return tar_add_file (output, job->layer->name, job->layer->mode, job->layer->fd, job->layer->size, error);
  if (!placed || !job->right)
    return job_here (output, job, error);
  output_seek (output, job->begin + TAR_BLOCK + job->expected + (gint64) tar_padding (job->expected));
  return TRUE;
}

gboolean
tar_add_layers (Output *output, const TarLayer *layers, guint n_layers, void (*done) (guint layer, gint64 size, void *data), void *data, GError **error)
{
  g_autofree Job *job = g_new0 (Job, n_layers + 1);
  gboolean placed = output_random (output), ok = TRUE;
  g_autofree guint *order = g_new0 (guint, n_layers + 1);
  Jobs jobs = { .output = placed ? output : NULL, .jobs = job, .order = order, .n_jobs = n_layers };
  for (guint i = 0; i < n_layers; i++)
    {
      order[i] = i;
      job[i].layer = &layers[i];
      job_guess (&job[i]);
    }
  g_qsort_with_data (order, (gint) n_layers, sizeof *order, compare_sizes, job);
  gint64 begin = output_at (output);
  jobs_place (&jobs, begin);
  jobs_run (&jobs);
  for (guint i = 0; placed && i < n_layers; i++)   /* as far as anything may have been written */
    if (job[i].begin >= 0)
      output_seek (output, job[i].begin + 2 * TAR_BLOCK + job[i].expected);
  if (placed)
    output_seek (output, begin);
  for (guint i = 0; ok && i < n_layers; i++)
    {
      /* from the first that is not where it was expected on, all are written anew */
      placed = placed && (job[i].compression == COMPRESSION_NONE || job[i].right);
      ok = job_finish (output, &job[i], placed, error) || coracle_prefix (error, "%s", layers[i].name);
      if (ok && done != NULL)
        done (i, job[i].expected, data);
    }
  for (guint i = 0; i < n_layers; i++)
    g_clear_error (&job[i].problem);
  return ok;
}
