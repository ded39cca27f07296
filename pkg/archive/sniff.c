#include "pkg/archive/sniff.h"

#include <string.h>

typedef struct {
  const char *magic;
  guint8 size;
  guint8 at;          /* where it stands */
  const char *also;   /* what comes four bytes after it (RIFF, FORM); NULL: nothing more */
  const char *type;
} Magic;

#define M(text) text, sizeof text - 1
static const Magic magics[] = {
  { M ("%PDF-"), 0, NULL, "application/pdf" },
  { M ("%!PS-Adobe-"), 0, NULL, "application/postscript" },
  { M ("\xfe\xff"), 0, NULL, "text/plain; charset=utf-16be" },
  { M ("\xff\xfe"), 0, NULL, "text/plain; charset=utf-16le" },
  { M ("\xef\xbb\xbf"), 0, NULL, "text/plain; charset=utf-8" },
  { M ("\0\0\1\0"), 0, NULL, "image/x-icon" },
  { M ("\0\0\2\0"), 0, NULL, "image/x-icon" },
  { M ("BM"), 0, NULL, "image/bmp" },
  { M ("GIF87a"), 0, NULL, "image/gif" },
  { M ("GIF89a"), 0, NULL, "image/gif" },
  { M ("RIFF"), 0, "WEBPVP", "image/webp" },
  { M ("\x89PNG\r\n\x1a\n"), 0, NULL, "image/png" },
  { M ("\xff\xd8\xff"), 0, NULL, "image/jpeg" },
  { M ("FORM"), 0, "AIFF", "audio/aiff" },
  { M ("ID3"), 0, NULL, "audio/mpeg" },
  { M ("OggS\0"), 0, NULL, "application/ogg" },
  { M ("MThd\0\0\0\6"), 0, NULL, "audio/midi" },
  { M ("RIFF"), 0, "AVI ", "video/avi" },
  { M ("RIFF"), 0, "WAVE", "audio/wave" },
  { M ("ftypmp4"), 4, NULL, "video/mp4" },
  { M ("\x1a\x45\xdf\xa3"), 0, NULL, "video/webm" },
  { M ("LP"), 34, NULL, "application/vnd.ms-fontobject" },
  { M ("\0\1\0\0"), 0, NULL, "font/ttf" },
  { M ("OTTO"), 0, NULL, "font/otf" },
  { M ("ttcf"), 0, NULL, "font/collection" },
  { M ("wOFF"), 0, NULL, "font/woff" },
  { M ("wOF2"), 0, NULL, "font/woff2" },
  { M ("\x1f\x8b\x08"), 0, NULL, "application/x-gzip" },
  { M ("PK\3\4"), 0, NULL, "application/zip" },
  { M ("Rar!\x1a\x07\0"), 0, NULL, "application/x-rar-compressed" },
  { M ("Rar!\x1a\x07\1\0"), 0, NULL, "application/x-rar-compressed" },
  { M ("\0asm"), 0, NULL, "application/wasm" },
};

static const char *const tags[] = { "<!DOCTYPE HTML", "<HTML", "<HEAD", "<SCRIPT", "<IFRAME", "<H1", "<DIV", "<FONT", "<TABLE", "<A", "<STYLE", "<TITLE", "<B", "<BODY", "<BR", "<P" };

static gboolean
fits (const Magic *magic, const char *data, gsize size)
{
  gsize end = (gsize) magic->at + magic->size;
  if (size < end || memcmp (data + magic->at, magic->magic, magic->size) != 0)
    return FALSE;
  return magic->also == NULL || (size >= end + 4 + strlen (magic->also) && memcmp (data + end + 4, magic->also, strlen (magic->also)) == 0);
}

static gboolean
is_html (const char *data, gsize size)
{
  for (gsize i = 0; i < G_N_ELEMENTS (tags); i++)
    {
      gsize length = strlen (tags[i]);
      if (size > length && g_ascii_strncasecmp (data, tags[i], length) == 0 && (data[length] == ' ' || data[length] == '>'))
        return TRUE;
    }
  return size >= 4 && memcmp (data, "<!--", 4) == 0;
}

static gboolean
is_binary (guchar byte)
{
  return byte <= 0x08 || byte == 0x0b || (byte >= 0x0e && byte <= 0x1a) || (byte >= 0x1c && byte <= 0x1f);
}

const char *
sniff_type (const void *data, gsize size)
{
  const char *start = data, *text = data;
  size = MIN (size, SNIFF_SIZE);
  gsize blank = 0;
  while (blank < size && strchr ("\t\n\f\r ", text[blank]) != NULL && text[blank] != '\0')
    blank++;
  if (is_html (text + blank, size - blank))
    return "text/html; charset=utf-8";
  if (size - blank >= 5 && memcmp (text + blank, "<?xml", 5) == 0)
    return "text/xml; charset=utf-8";
  for (gsize i = 0; i < G_N_ELEMENTS (magics); i++)
    if (fits (&magics[i], start, size))
      return magics[i].type;
  for (gsize i = blank; i < size; i++)
    if (is_binary ((guchar) text[i]))
      return "application/octet-stream";
  return "text/plain; charset=utf-8";
}
