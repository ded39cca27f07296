#include "pkg/archive/crc64.h"

#include <string.h>

#define POLYNOMIAL 0xd800000000000000

/* tables[k][b]: what the byte b does to the sum, k bytes later: so that eight are done at once. */
static guint64 tables[8][256];

static void
make_tables (void)
{
  static gsize ready = 0;
  if (!g_once_init_enter (&ready))
    return;
  for (guint i = 0; i < 256; i++)
    {
      guint64 crc = i;
      for (int bit = 0; bit < 8; bit++)
        crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
      tables[0][i] = crc;
    }
  for (guint i = 0; i < 256; i++)
    for (int k = 1; k < 8; k++)
      tables[k][i] = tables[k - 1][i] >> 8 ^ tables[0][tables[k - 1][i] & 0xff];
  g_once_init_leave (&ready, 1);
}

guint64
crc64_update (guint64 crc, const guint8 *data, size_t size)
{
  make_tables ();
  crc = ~crc;
  for (; size >= 8; data += 8, size -= 8)
    {
      guint64 word;
      memcpy (&word, data, 8);
      word = GUINT64_FROM_LE (word) ^ crc;
      crc = 0;
      for (int k = 0; k < 8; k++)
        crc ^= tables[7 - k][word >> 8 * k & 0xff];
    }
  for (; size > 0; data++, size--)
    crc = crc >> 8 ^ tables[0][(crc ^ *data) & 0xff];
  return ~crc;
}
