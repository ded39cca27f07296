#include "cmd/common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LEVEL_TRACE ((GLogLevelFlags) (1 << G_LOG_LEVEL_USER_SHIFT))

const char *const log_levels[] = { "trace", "debug", "info", "warn", "warning", "error", "fatal", "panic", NULL };

/* The words, the least important first, and what GLib calls them. */
static const struct {
  const char *word;
  GLogLevelFlags flag;
} ranks[] = {
  { "trace", LEVEL_TRACE },           { "debug", G_LOG_LEVEL_DEBUG },    { "info", G_LOG_LEVEL_INFO }, { "warning", G_LOG_LEVEL_WARNING },
  { "error", G_LOG_LEVEL_CRITICAL },  { "fatal", G_LOG_LEVEL_ERROR },    { "panic", G_LOG_LEVEL_ERROR },
};

const char *
log_level_parse (const char *word)
{
  if (g_ascii_strcasecmp (word, "warn") == 0)
    word = "warning";
  for (unsigned i = 0; i < G_N_ELEMENTS (ranks); i++)
    if (g_ascii_strcasecmp (ranks[i].word, word) == 0)
      return ranks[i].word;
  return NULL;
}

static unsigned
rank_of_word (const char *word)
{
  unsigned i = 0;
  while (i < G_N_ELEMENTS (ranks) - 1 && strcmp (ranks[i].word, word) != 0)
    i++;
  return i;
}

static unsigned
rank_of_flags (GLogLevelFlags flags)
{
  unsigned i = 0;
  while (i < G_N_ELEMENTS (ranks) - 1 && (flags & ranks[i].flag) == 0)
    i++;
  return flags & G_LOG_LEVEL_MESSAGE ? rank_of_word ("info") : i;
}

/* quote: @text so that it stays one line and one word of key="value". */
static char *
quote (const char *text)
{
  GString *out = g_string_new (NULL);
  for (; *text != '\0'; text++)
    if (*text == '"' || *text == '\\')
      g_string_append_printf (out, "\\%c", *text);
    else if (*text == '\n')
      g_string_append (out, "\\n");
    else if ((guchar) *text < 0x20)
      g_string_append_printf (out, "\\x%02x", (guchar) *text);
    else
      g_string_append_c (out, *text);
  return g_string_free (out, FALSE);
}

static GLogWriterOutput
write_line (GLogLevelFlags flags, const GLogField *fields, gsize n, gpointer lowest)
{
  unsigned rank = rank_of_flags (flags);
  if (rank < *(unsigned *) lowest)
    return G_LOG_WRITER_HANDLED;
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *time = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S%:z"), *text = NULL;
  for (gsize i = 0; i < n && text == NULL; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      text = quote (fields[i].value);
  fprintf (stderr, "time=\"%s\" level=%s msg=\"%s\"\n", time, ranks[rank].word, text != NULL ? text : "");
  return G_LOG_WRITER_HANDLED;
}

void
log_begin (const char *level)
{
  /* GLib takes one writer for the life of the process, and so the level that it reads */
  static unsigned lowest;
  static gboolean begun;
  lowest = rank_of_word (level);
  if (!begun)
    g_log_set_writer_func (write_line, &lowest, NULL);
  begun = TRUE;
}

void
log_trace (const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_logv (NULL, LEVEL_TRACE, format, args);
  va_end (args);
}
