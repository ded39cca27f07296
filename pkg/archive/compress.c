#include "pkg/archive/compress.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <string.h>
#include <zstd.h>

#include "pkg/base/error.h"

#define GZIP_BLOCK ((size_t) 1 << 20)
#define ZSTD_BLOCK ((size_t) 2 << 20)   /* a frame that begins anew loses more */
#define JOBS_LIMIT 16

/* One block on its way. A worker has it from the push into the pool until done; before and after it is the stream's. */
typedef struct {
  Compression to;
  int level;
  gboolean last;
  guint8 *in, *out, *level_buffer;
  size_t in_size, out_size, out_room;
  GArray *ends, *sizes;   /* of guint32: where frames end in @in, and how many bytes each became; NULL: all of it is one */
  const char *problem;    /* static; NULL: all is well */
  gboolean done;          /* under the lock */
} Job;

typedef struct {
  Compression to;
  int level;
  size_t block;
  GQueue jobs;            /* of Job, in the order of the stream */
  guint32 crc, total;     /* of gzip's end */
  ByteStream *in;         /* where the bytes come from, or */
  CompressFill fill;      /* who gives them */
  void (*framed) (size_t size, void *user);
  gboolean (*write) (const void *data, size_t size, void *user, GError **error);
  void *user;
} Stream;

/* All streams of the process. */
static struct {
  GMutex lock;
  GCond changed;          /* a job is done, or one was given back */
  GThreadPool *pool;
  guint in_flight, limit;
} all;

/* ---- workers */

/* gzip_step: zlib's 1 to 9 in ISA-L's four levels. */
static guint
gzip_step (int level)
{
  return level < 0 ? 1 : level == 0 ? 0 : level <= 3 ? 1 : level <= 6 ? 2 : 3;
}

static void
gzip_job (Job *job)
{
  static const guint32 sizes[] = { ISAL_DEF_LVL0_DEFAULT, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT };
  guint step = gzip_step (job->level);
  struct isal_zstream stream;
  if (job->level_buffer == NULL)
    job->level_buffer = g_malloc0 (MAX (sizes[step], 1));
  isal_deflate_init (&stream);
  stream.level = step;
  stream.level_buf = job->level_buffer;
  stream.level_buf_size = sizes[step];
  stream.next_in = job->in;
  stream.avail_in = (guint32) job->in_size;
  stream.flush = job->last ? NO_FLUSH : SYNC_FLUSH;
  stream.end_of_stream = job->last;
  do
    {
      if (job->out_size == job->out_room)
        job->out = g_realloc (job->out, job->out_room += job->out_room / 2 + 65536);
      stream.next_out = job->out + job->out_size;
      stream.avail_out = (guint32) (job->out_room - job->out_size);
      if (isal_deflate (&stream) != COMP_OK)
        {
          job->problem = "gzip: the compressor failed";
          return;
        }
      job->out_size = job->out_room - stream.avail_out;
    }
  while (stream.avail_out == 0 || stream.avail_in > 0 || (job->last && stream.internal_state.state != ZSTATE_END));
}

/* zstd_frame: @size bytes at @from of the job as one frame, after what is there. FALSE: the compressor failed. */
static gboolean
zstd_frame (Job *job, ZSTD_CCtx *context, size_t from, size_t size)
{
  size_t room = ZSTD_compressBound (size);
  if (job->out_room - job->out_size < room)
    job->out = g_realloc (job->out, job->out_room = job->out_size + room + job->out_room / 4);
  size_t n = ZSTD_compress2 (context, job->out + job->out_size, job->out_room - job->out_size, job->in + from, size);
  if (ZSTD_isError (n))
    return FALSE;
  job->out_size += n;
  if (job->sizes != NULL)
    g_array_append_vals (job->sizes, &(guint32){ (guint32) n }, 1);
  return TRUE;
}

static void
zstd_job (Job *job)
{
  ZSTD_CCtx *context = ZSTD_createCCtx ();
  gboolean parts = job->ends != NULL && job->ends->len > 0;
  const guint32 whole = (guint32) job->in_size, *ends = parts ? (const guint32 *) (void *) job->ends->data : &whole;
  guint n = parts ? job->ends->len : 1;
  (void) ZSTD_CCtx_setParameter (context, ZSTD_c_compressionLevel, job->level < 0 ? ZSTD_CLEVEL_DEFAULT : job->level);
  (void) ZSTD_CCtx_setParameter (context, ZSTD_c_checksumFlag, 1);
  /* a frame's size would be taken for the whole's by those who look at the first one only */
  (void) ZSTD_CCtx_setParameter (context, ZSTD_c_contentSizeFlag, 0);
  for (guint i = 0, from = 0; i < n && job->problem == NULL; from = ends[i++])
    if (!zstd_frame (job, context, from, ends[i] - from))
      job->problem = "zstd: the compressor failed";
  ZSTD_freeCCtx (context);
}

static void
work (gpointer data, gpointer unused)
{
  Job *job = data;
  if (job->to == COMPRESSION_GZIP)
    gzip_job (job);
  else
    zstd_job (job);
  g_mutex_lock (&all.lock);
  job->done = TRUE;
  g_cond_broadcast (&all.changed);
  g_mutex_unlock (&all.lock);
}

static void
start_workers (void)
{
  static gsize ready = 0;
  if (!g_once_init_enter (&ready))
    return;
  guint n = g_get_num_processors ();
  all.limit = MIN (2 * n + 2, JOBS_LIMIT);
  all.pool = g_thread_pool_new (work, NULL, (gint) n, FALSE, NULL);
  g_once_init_leave (&ready, 1);
}

/* ---- jobs */

static Job *
job_new (const Stream *stream)
{
  Job *job = g_new0 (Job, 1);
  job->to = stream->to;
  job->level = stream->level;
  job->in = g_malloc (stream->block);
  job->out_room = stream->to == COMPRESSION_ZSTD ? ZSTD_compressBound (stream->block) : stream->block + stream->block / 8;
  job->out = g_malloc (job->out_room);
  job->ends = stream->fill != NULL ? g_array_new (FALSE, FALSE, sizeof (guint32)) : NULL;
  job->sizes = stream->fill != NULL ? g_array_new (FALSE, FALSE, sizeof (guint32)) : NULL;
  return job;
}

static void
job_free (Job *job)
{
  g_free (job->in);
  g_free (job->out);
  g_free (job->level_buffer);
  g_clear_pointer (&job->ends, g_array_unref);
  g_clear_pointer (&job->sizes, g_array_unref);
  g_free (job);
  g_mutex_lock (&all.lock);
  all.in_flight--;
  g_cond_broadcast (&all.changed);
  g_mutex_unlock (&all.lock);
}

/* wait_first: take the oldest job off the stream, when it is done. */
static Job *
wait_first (Stream *stream)
{
  Job *job = g_queue_pop_head (&stream->jobs);
  g_mutex_lock (&all.lock);
  while (!job->done)
    g_cond_wait (&all.changed, &all.lock);
  g_mutex_unlock (&all.lock);
  return job;
}

static gboolean
write_job (const Stream *stream, const Job *job, GError **error)
{
  if (job->problem != NULL)
    return coracle_throw (error, CORACLE_ERROR_SYSTEM, "%s", job->problem);
  for (guint i = 0; job->sizes != NULL && i < job->sizes->len; i++)
    stream->framed (g_array_index (job->sizes, guint32, i), stream->user);
  return job->out_size == 0 || stream->write (job->out, job->out_size, stream->user, error);
}

/* get_job: a new one if there may be one more; else the stream's oldest, written. NULL with @error. */
static Job *
get_job (Stream *stream, GError **error)
{
  g_mutex_lock (&all.lock);
  while (all.in_flight >= all.limit && g_queue_is_empty (&stream->jobs))
    g_cond_wait (&all.changed, &all.lock);
  gboolean fresh = all.in_flight < all.limit;
  all.in_flight += fresh;
  g_mutex_unlock (&all.lock);
  if (fresh)
    return job_new (stream);
  Job *job = wait_first (stream);
  if (!write_job (stream, job, error))
    {
      job_free (job);
      return NULL;
    }
  job->out_size = 0;
  job->done = FALSE;
  if (job->ends != NULL)
    {
      g_array_set_size (job->ends, 0);
      g_array_set_size (job->sizes, 0);
    }
  return job;
}

/* ---- the stream */

/* Source: RFC 1952: no name, no time, system unknown. */
static const guint8 gzip_header[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff };

static gboolean
write_trailer (const Stream *stream, GError **error)
{
  guint32 trailer[] = { GUINT32_TO_LE (stream->crc), GUINT32_TO_LE (stream->total) };
  return stream->to != COMPRESSION_GZIP || stream->write (trailer, sizeof trailer, stream->user, error);
}

static gboolean
read_all (Stream *stream, GError **error)
{
  for (gboolean last = FALSE, first = TRUE; !last; first = FALSE)
    {
      Job *job = get_job (stream, error);
      gssize n = job == NULL ? -1 : stream->fill != NULL ? stream->fill (job->in, stream->block, job->ends, stream->user, error) : byte_stream_read_full (stream->in, job->in, stream->block, error);
      if (n < 0)
        {
          g_clear_pointer (&job, job_free);
          return FALSE;
        }
      last = (size_t) n < stream->block;
      if (n == 0 && !first && stream->to == COMPRESSION_ZSTD)
        {
          job_free (job);
          return TRUE;
        }
      job->in_size = (size_t) n;
      job->last = last;
      if (stream->to == COMPRESSION_GZIP)
        stream->crc = crc32_gzip_refl (stream->crc, job->in, (guint64) n);
      stream->total += (guint32) n;
      g_queue_push_tail (&stream->jobs, job);
      g_thread_pool_push (all.pool, job, NULL);
    }
  return TRUE;
}

/* run: all of it; what is under way when something fails is waited for. */
static gboolean
run (Stream *stream, GError **error)
{
  g_queue_init (&stream->jobs);
  start_workers ();
  gboolean ok = (stream->to != COMPRESSION_GZIP || stream->write (gzip_header, sizeof gzip_header, stream->user, error)) && read_all (stream, error);
  while (!g_queue_is_empty (&stream->jobs))
    {
      Job *job = wait_first (stream);
      ok = ok && write_job (stream, job, error);
      job_free (job);
    }
  return ok && write_trailer (stream, error);
}

gboolean
compress_stream (ByteStream *in, Compression to, int level, gboolean (*write) (const void *data, size_t size, void *user, GError **error), void *user, GError **error)
{
  Stream stream = { .to = to, .level = level, .block = to == COMPRESSION_ZSTD ? ZSTD_BLOCK : GZIP_BLOCK, .in = in, .write = write, .user = user };
  return run (&stream, error);
}

gboolean
compress_frames (CompressFill fill, void (*framed) (size_t size, void *user), gboolean (*write) (const void *data, size_t size, void *user, GError **error), int level, void *user,
                 GError **error)
{
  Stream stream = { .to = COMPRESSION_ZSTD, .level = level, .block = ZSTD_BLOCK, .fill = fill, .framed = framed, .write = write, .user = user };
  return run (&stream, error);
}
