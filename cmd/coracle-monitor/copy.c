#include "monitor.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Copying and looking at once, eight or sixteen bytes at a time: a container that prints as fast as it can waits for this. */
#define EACH(byte) (0x0101010101010101ull * (uint8_t) (byte))
#define HIGH EACH (0x80)

/* Which of the bytes of @word … : the high bit of each that does, and perhaps of some after (in memory) the first that does; little-endian. */
static uint64_t
zero_bytes (uint64_t word)
{
  return (word - EACH (1)) & ~word & HIGH;
}

/* below: less than @limit, at most 128. */
static uint64_t
below (uint64_t word, uint8_t limit)
{
  return (word - EACH (limit)) & ~word & HIGH;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
static size_t
first_of (uint64_t marks)
{
  return (size_t) __builtin_ctzll (marks) / 8;
}
#endif

size_t
copy_line (char *to, const char *data, size_t size, bool *ret_whole)
{
  size_t at = 0;
#ifdef __SSE2__
  const __m128i newline = _mm_set1_epi8 ('\n');
  for (; at + 16 <= size; at += 16)
    {
      __m128i bytes = _mm_loadu_si128 ((const __m128i *) (const void *) (data + at));
      _mm_storeu_si128 ((__m128i *) (void *) (to + at), bytes);
      int marks = _mm_movemask_epi8 (_mm_cmpeq_epi8 (bytes, newline));
      if (marks != 0)
        {
          *ret_whole = true;
          return at + (size_t) __builtin_ctz ((unsigned) marks) + 1;
        }
    }
#endif
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  for (; at + 8 <= size; at += 8)
    {
      uint64_t word;
      memcpy (&word, data + at, 8);
      memcpy (to + at, &word, 8);
      uint64_t ends = zero_bytes (word ^ EACH ('\n'));
      if (ends != 0)
        {
          *ret_whole = true;
          return at + first_of (ends) + 1;
        }
    }
#endif
  *ret_whole = false;
  while (at < size && !*ret_whole)
    {
      to[at] = data[at];
      *ret_whole = data[at++] == '\n';
    }
  return at;
}

static bool
is_plain (char byte)
{
  return (uint8_t) byte >= 0x20 && (uint8_t) byte < 0x7f && byte != '"' && byte != '\\';
}

size_t
copy_plain (char *to, const char *data, size_t size)
{
  size_t at = 0;
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8 ('"'), backslash = _mm_set1_epi8 ('\\'), blank = _mm_set1_epi8 (0x20), last = _mm_set1_epi8 (0x7f);
  for (; at + 16 <= size; at += 16)
    {
      __m128i bytes = _mm_loadu_si128 ((const __m128i *) (const void *) (data + at));
      _mm_storeu_si128 ((__m128i *) (void *) (to + at), bytes);
      /* signed: what is above 0x7f is below 0x20 */
      __m128i odd = _mm_or_si128 (_mm_cmplt_epi8 (bytes, blank), _mm_cmpeq_epi8 (bytes, last));
      odd = _mm_or_si128 (odd, _mm_or_si128 (_mm_cmpeq_epi8 (bytes, quote), _mm_cmpeq_epi8 (bytes, backslash)));
      int marks = _mm_movemask_epi8 (odd);
      if (marks != 0)
        return at + (size_t) __builtin_ctz ((unsigned) marks);
    }
#endif
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  for (; at + 8 <= size; at += 8)
    {
      uint64_t word;
      memcpy (&word, data + at, 8);
      memcpy (to + at, &word, 8);
      uint64_t special = (word & HIGH) | below (word, 0x20) | zero_bytes (word ^ EACH ('"')) | zero_bytes (word ^ EACH ('\\')) | zero_bytes (word ^ EACH (0x7f));
      if (special != 0)
        return at + first_of (special);
    }
#endif
  for (; at < size && is_plain (data[at]); at++)
    to[at] = data[at];
  return at;
}
