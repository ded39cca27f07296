#include "cmd/coracle-image/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "pkg/base/text.h"

void
progress_begin (Progress *progress, gboolean quiet)
{
  *progress = (Progress){ .quiet = quiet, .terminal = isatty (STDERR_FILENO), .begun = g_get_monotonic_time () };
}

void
progress_callback (const char *what, gint64 done, gint64 total, void *data)
{
  Progress *progress = data;
  gint64 now = g_get_monotonic_time ();
  gboolean finished = done == total;
  if (progress->quiet || now - progress->begun < G_USEC_PER_SEC || (!finished && (!progress->terminal || now - progress->last < G_USEC_PER_SEC / 10)))
    return;
  progress->last = now;
  g_autofree char *done_text = text_size ((guint64) done, 4), *total_text = total >= 0 ? text_size ((guint64) total, 4) : NULL;
  const char *name = g_str_has_prefix (what, "sha256:") ? what + 7 : what;
  if (finished)
    fprintf (stderr, "%sCopied %.12s  %s\n", progress->terminal ? "\r\033[K" : "", name, done_text);
  else
    fprintf (stderr, "\r\033[KCopying %.12s  %s%s%s", name, done_text, total_text != NULL ? " / " : "", total_text != NULL ? total_text : "");
  progress->shown = !finished;
}

void
progress_end (Progress *progress)
{
  if (progress->shown)
    fputs ("\r\033[K", stderr);
  progress->shown = FALSE;
}

void
progress_notices (const Progress *progress, const Session *session, const ImageInRequest *request)
{
  if (session->fell_back)
    fprintf (stderr, "Notice: no range of subordinate ids for this user: files in images belong to one id\n");
  if (request->skipped_devices > 0 && !progress->quiet)
    fprintf (stderr, "Notice: %" G_GUINT64_FORMAT " device node%s left out: they cannot be made without privilege\n", request->skipped_devices,
             request->skipped_devices == 1 ? " was" : "s were");
}
