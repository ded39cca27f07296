#include "cmd/coracle-image/pull_progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/text.h"

#define BAR_WIDTH 24
#define LINES_LIMIT 20   /* what fits on a small terminal; the layers that are done are not shown then */
#define BLOB "Copying blob "

typedef struct {
  char *digest;
  gint64 done, total, begun, ended;   /* times: monotonic, microseconds; 0: not yet */
  gint64 first;                       /* bytes when it began */
} Layer;

static void
layer_free (gpointer data)
{
  g_free (((Layer *) data)->digest);
  g_free (data);
}

void
pull_progress_begin (PullProgress *progress, gboolean quiet)
{
  *progress = (PullProgress){ .quiet = quiet, .terminal = isatty (STDERR_FILENO), .layers = g_ptr_array_new_with_free_func (layer_free) };
}

void
pull_progress_end (PullProgress *progress)
{
  g_clear_pointer (&progress->layers, g_ptr_array_unref);
}

static void
draw_layer (const Layer *layer, gint64 now)
{
  const char *hex = strchr (layer->digest, ':');
  fprintf (stderr, "\033[KCopying blob %.12s ", hex != NULL ? hex + 1 : layer->digest);
  if (layer->ended != 0)
    {
      g_autofree char *size = text_size ((guint64) MAX (layer->total, 0), 3);
      fprintf (stderr, "done   | %s%s\n", size, layer->begun == layer->ended ? ", skipped: already exists" : "");
      return;
    }
  int full = layer->total > 0 ? (int) (layer->done * BAR_WIDTH / layer->total) : 0;
  gint64 usec = layer->begun != 0 ? now - layer->begun : 0;
  g_autofree char *done = text_size ((guint64) layer->done, 3), *total = text_size ((guint64) MAX (layer->total, 0), 3);
  g_autofree char *rate = text_size (usec > 0 ? (guint64) ((double) (layer->done - layer->first) * G_USEC_PER_SEC / (double) usec) : 0, 3);
  if (layer->begun == 0)
    fprintf (stderr, "waiting\n");
  else
    fprintf (stderr, "[%.*s%.*s] %s / %s | %s/s\n", full, "========================", BAR_WIDTH - full, "                        ", done, total, rate);
}

static void
draw (PullProgress *progress, gint64 now)
{
  if (progress->shown > 0)
    fprintf (stderr, "\033[%uA", progress->shown);
  guint n = progress->layers->len, skip = n > LINES_LIMIT ? n - LINES_LIMIT : 0;
  progress->shown = 0;
  for (guint i = 0; i < n; i++)
    {
      const Layer *layer = progress->layers->pdata[i];
      if (skip > 0 && layer->ended != 0)
        skip--;
      else if (progress->shown < LINES_LIMIT)
        {
          draw_layer (layer, now);
          progress->shown++;
        }
    }
  fflush (stderr);
}

void
pull_progress_say (const char *line, void *data)
{
  PullProgress *progress = data;
  if (progress->quiet)
    return;
  if (progress->terminal && g_str_has_prefix (line, BLOB))
    {
      Layer *layer = g_new0 (Layer, 1);
      layer->digest = g_strdup (line + strlen (BLOB));
      g_ptr_array_add (progress->layers, layer);
      return;
    }
  fprintf (stderr, "%s\n", line);
  g_ptr_array_set_size (progress->layers, 0);
  progress->shown = 0;
}

void
pull_progress_bytes (const char *what, gint64 done, gint64 total, void *data)
{
  PullProgress *progress = data;
  gint64 now = g_get_monotonic_time ();
  if (progress->quiet || !progress->terminal)
    return;
  for (guint i = 0; i < progress->layers->len; i++)
    {
      Layer *layer = progress->layers->pdata[i];
      if (strcmp (layer->digest, what) != 0 || layer->ended != 0)
        continue;
      if (layer->begun == 0)
        {
          layer->begun = now;
          layer->first = done < total ? done : 0;
        }
      layer->done = done;
      layer->total = total;
      layer->ended = done == total ? now : 0;
    }
  if (done != total && now - progress->last < G_USEC_PER_SEC / 10)
    return;
  progress->last = now;
  draw (progress, now);
}
