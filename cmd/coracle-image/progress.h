/* progress: how far a long copy is, on standard error: a moving line on a terminal, one line per finished layer elsewhere; nothing for the first second. */
#pragma once

#include "cmd/common/session.h"
#include "pkg/engine/image_in.h"

typedef struct {
  gboolean quiet, terminal, shown;
  gint64 begun, last;   /* monotonic, microseconds */
} Progress;

void progress_begin (Progress *progress, gboolean quiet);
/* progress_callback: an IngestProgress; @data: the Progress. */
void progress_callback (const char *what, gint64 done, gint64 total, void *data);
/* progress_end: take the moving line away. */
void progress_end (Progress *progress);

/* progress_notices: what is worth a line even if all went well: no range of ids, device nodes left out. */
void progress_notices (const Progress *progress, const Session *session, const ImageInRequest *request);
