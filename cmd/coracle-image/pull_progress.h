/* pull_progress: how a pull goes, on standard error: a line that moves for each layer on a terminal, Podman's plain lines elsewhere. */
#pragma once

#include <glib.h>

typedef struct {
  gboolean quiet, terminal;
  GPtrArray *layers;        /* of one image, in the order they were named */
  unsigned shown;           /* lines that are on the screen */
  gint64 last;
} PullProgress;

void pull_progress_begin (PullProgress *progress, gboolean quiet);
void pull_progress_end (PullProgress *progress);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PullProgress, pull_progress_end)

/* pull_progress_say: an ImagePullRequest's say. pull_progress_bytes: an IngestProgress. @data: the PullProgress. */
void pull_progress_say (const char *line, void *data);
void pull_progress_bytes (const char *what, gint64 done, gint64 total, void *data);
