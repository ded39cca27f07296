#include "pkg/archive/chunked.h"

#include <string.h>
#include <zstd.h>

#include "pkg/archive/compress.h"
#include "pkg/archive/crc64.h"
#include "pkg/archive/digest.h"
#include "pkg/archive/tar_header.h"
#include "pkg/base/error.h"

#define PIECE_MIN 16384
#define PIECE_MASK ((guint64) 0xffff << 48)      /* these bits of the hash are 0 after one in 64 KiB */
#define SEGMENT_LIMIT (4 << 20)                  /* what of a tar may stand between two contents */
#define TABLE_LIMIT ((guint64) 150 << 20)        /* Podman's: of a table, inflated */
#define PACKED_LIMIT ((size_t) 32 << 20)         /* ours: of each of the two tables */
#define TABLE_CRFS 1                             /* the kind of table; the only one there is */

/* ---- the tables, compressed as they grow */

typedef struct {
  ZSTD_CCtx *context;
  GByteArray *data;
  guint64 size;            /* of what went in */
  gboolean failed;
} Packed;

static void
packed_begin (Packed *packed)
{
  packed->context = ZSTD_createCCtx ();
  packed->data = g_byte_array_new ();
}

static void
packed_clear (Packed *packed)
{
  ZSTD_freeCCtx (packed->context);
  g_clear_pointer (&packed->data, g_byte_array_unref);
  packed->context = NULL;
}

static void
packed_push (Packed *packed, const void *data, size_t size, ZSTD_EndDirective how)
{
  guint8 room[65536];
  ZSTD_inBuffer in = { data, size, 0 };
  size_t left = 1;
  packed->size += size;
  while (!packed->failed && (how == ZSTD_e_end ? left != 0 : in.pos < in.size))
    {
      ZSTD_outBuffer out = { room, sizeof room, 0 };
      left = ZSTD_compressStream2 (packed->context, &out, &in, how);
      g_byte_array_append (packed->data, room, (guint) out.pos);
      packed->failed = ZSTD_isError (left) || packed->data->len > PACKED_LIMIT || packed->size > TABLE_LIMIT;
    }
}

static void
packed_add (Packed *packed, const char *text)
{
  packed_push (packed, text, strlen (text), ZSTD_e_continue);
}

/* ---- what is under way */

typedef struct {
  char *digest;
  gint64 at, size;         /* in the file */
  guint64 offset;          /* in the blob */
} Piece;

/* One member, until its last frame is written. */
typedef struct {
  char *text;              /* its JSON, without the last brace */
  char *name;              /* as JSON has it */
  char *digest;            /* of its content; NULL: it has none */
  GArray *pieces;          /* of Piece */
  guint placed;            /* how many of them are written */
} Entry;

/* What the next frame to be written is, or, without a frame, that @entry comes next in the table. */
typedef struct {
  enum { PLAN_RAW, PLAN_PIECE, PLAN_LAST_PIECE, PLAN_ENTRY } kind;
  Entry *entry;
} Plan;

/* What the bytes are that come next. */
typedef enum { UNIT_HEADER, UNIT_EXTENSION, UNIT_CONTENT, UNIT_FILL, UNIT_REST } Unit;

typedef struct {
  ByteStream *in;
  gboolean (*write) (const void *data, size_t size, void *user, GError **error);
  void *user;
  guint64 written;         /* bytes of the blob */
  gboolean plain;          /* there will be no table */
  GQueue plans;            /* of Plan */
  guint64 gear[256];       /* of the rolling hash */

  /* the tar */
  Unit unit;
  gint64 left;             /* of the unit */
  size_t extension;        /* of the extension that is read: its bytes without the fill */
  gboolean zero;           /* the block before was of zeros */
  TarHeader header;
  GByteArray *segment;     /* since the last content */
  GHashTable *names;       /* hashes of the paths there were */

  /* the content that is read */
  Entry *entry;
  Digest *whole, *part;
  guint64 crc, hash;
  gint64 at, size, part_at;

  /* the tables */
  Packed table, split;
  guint n_entries, n_split;
} Chunked;

static void
piece_clear (gpointer data)
{
  g_free (((Piece *) data)->digest);
}

static void
entry_free (Entry *entry)
{
  if (entry == NULL)
    return;
  g_free (entry->text);
  g_free (entry->name);
  g_free (entry->digest);
  g_array_unref (entry->pieces);
  g_free (entry);
}

static void
plan_free (gpointer data)
{
  Plan *plan = data;
  if (plan->kind == PLAN_ENTRY || plan->kind == PLAN_LAST_PIECE)
    entry_free (plan->entry);
  g_free (plan);
}

static void
plan_push (Chunked *self, int kind, Entry *entry)
{
  Plan *plan = g_new (Plan, 1);
  *plan = (Plan){ .kind = kind, .entry = entry };
  g_queue_push_tail (&self->plans, plan);
}

/* become_plain: from here on it is zstd as any other; what was written is that already. */
static void
become_plain (Chunked *self)
{
  self->plain = TRUE;
  g_queue_clear_full (&self->plans, plan_free);
  g_clear_pointer (&self->entry, entry_free);
  packed_clear (&self->table);
  packed_clear (&self->split);
  self->unit = UNIT_REST;
  self->left = 0;
}

/* ---- tar-split: lines of JSON, raw bytes in turn with the names, sizes and checksums of contents */

static void
split_segment (Chunked *self)
{
  if (self->segment->len == 0)
    return;
  g_autofree char *bytes = g_base64_encode (self->segment->data, self->segment->len);
  g_autofree char *end = g_strdup_printf ("\",\"position\":%u}\n", self->n_split++);
  packed_add (&self->split, "{\"type\":2,\"payload\":\"");
  packed_add (&self->split, bytes);
  packed_add (&self->split, end);
  g_byte_array_set_size (self->segment, 0);
}

static void
split_file (Chunked *self, const char *name, gint64 size)
{
  guint64 sum = GUINT64_TO_BE (self->crc);
  g_autofree char *bytes = size > 0 ? g_base64_encode ((const guint8 *) &sum, sizeof sum) : NULL;
  g_autoptr (GString) line = g_string_new ("{\"type\":1,\"name\":");
  g_string_append (line, name);
  if (size > 0)
    g_string_append_printf (line, ",\"size\":%" G_GINT64_FORMAT ",\"payload\":\"%s\"", size, bytes);
  else
    g_string_append (line, ",\"payload\":null");
  g_string_append_printf (line, ",\"position\":%u}\n", self->n_split++);
  packed_add (&self->split, line->str);
}

/* ---- the table of contents */

static void
append_time (json_t *object, const char *key, const TarTime *time)
{
  g_autoptr (GDateTime) at = time->given ? g_date_time_new_from_unix_utc (time->sec) : NULL;
  if (at == NULL)
    return;
  g_autofree char *rest = g_date_time_format (at, "-%m-%dT%H:%M:%S"), *fraction = time->nsec != 0 ? g_strdup_printf (".%09d", time->nsec) : NULL;
  g_autofree char *text = g_strdup_printf ("%04d%s%sZ", g_date_time_get_year (at), rest, fraction != NULL ? fraction : "");
  (void) json_object_set_new (object, key, json_string (text));
}

/* entry_new: what the header says. NULL: times beyond what a date can say. */
static Entry *
entry_new (const TarMember *member)
{
  static const char *const types[] = { "reg", "hardlink", "symlink", "char", "block", "dir", "fifo" };
  json_auto_t *object = json_pack ("{s:s, s:s}", "type", types[member->type - '0'], "name", member->name);
  const struct { const char *key; gint64 value; } numbers[] = { { "mode", member->mode }, { "size", member->size }, { "uid", member->uid }, { "gid", member->gid },
                                                                { "devMajor", member->major }, { "devMinor", member->minor } };
  const struct { const char *key; const TarTime *time; } times[] = { { "modtime", &member->modified }, { "accesstime", &member->accessed }, { "changetime", &member->changed } };
  if (*member->link != '\0')
    (void) json_object_set_new (object, "linkName", json_string (member->link));
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (numbers[i].value != 0)
      (void) json_object_set_new (object, numbers[i].key, json_integer (numbers[i].value));
  for (gsize i = 0; i < G_N_ELEMENTS (times); i++)
    {
      append_time (object, times[i].key, times[i].time);
      if (times[i].time->given && json_object_get (object, times[i].key) == NULL)
        return NULL;
    }
  if (member->xattrs != NULL)
    (void) json_object_set (object, "xattrs", member->xattrs);
  json_auto_t *name = json_string (member->name);
  Entry *entry = g_new0 (Entry, 1);
  entry->text = json_dumps (object, JSON_COMPACT);
  entry->text[strlen (entry->text) - 1] = '\0';
  entry->name = json_dumps (name, JSON_ENCODE_ANY);
  entry->pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  g_array_set_clear_func (entry->pieces, piece_clear);
  return entry;
}

static void
append_piece (GString *line, const Piece *piece)
{
  if (piece->at > 0)
    g_string_append_printf (line, ",\"chunkOffset\":%" G_GINT64_FORMAT, piece->at);
  g_string_append_printf (line, ",\"chunkSize\":%" G_GINT64_FORMAT ",\"chunkDigest\":\"%s\"", piece->size, piece->digest);
}

/* table_add: @entry, all of which is written; and one more for each piece after the first. */
static void
table_add (Chunked *self, const Entry *entry)
{
  g_autoptr (GString) line = g_string_new (self->n_entries++ > 0 ? "," : "{\"version\":1,\"entries\":[");
  const Piece *pieces = (const Piece *) (void *) entry->pieces->data;
  g_string_append (line, entry->text);
  if (entry->pieces->len > 0)
    g_string_append_printf (line, ",\"digest\":\"%s\",\"offset\":%" G_GUINT64_FORMAT ",\"endOffset\":%" G_GUINT64_FORMAT, entry->digest, pieces[0].offset, self->written);
  if (entry->pieces->len > 1)
    append_piece (line, &pieces[0]);
  g_string_append_c (line, '}');
  for (guint i = 1; i < entry->pieces->len; i++)
    {
      g_string_append_printf (line, ",{\"type\":\"chunk\",\"name\":%s,\"offset\":%" G_GUINT64_FORMAT, entry->name, pieces[i].offset);
      append_piece (line, &pieces[i]);
      g_string_append_c (line, '}');
    }
  packed_add (&self->table, line->str);
}

/* flush_entries: those that wait for no frame. */
static void
flush_entries (Chunked *self)
{
  for (Plan *plan = g_queue_peek_head (&self->plans); plan != NULL && plan->kind == PLAN_ENTRY; plan = g_queue_peek_head (&self->plans))
    {
      table_add (self, plan->entry);
      plan_free (g_queue_pop_head (&self->plans));
    }
}

/* framed: the next frame of the stream has @size bytes. */
static void
framed (size_t size, void *user)
{
  Chunked *self = user;
  guint64 offset = self->written;
  self->written += size;
  flush_entries (self);
  Plan *plan = g_queue_pop_head (&self->plans);
  if (plan == NULL)
    return;
  if (plan->kind != PLAN_RAW)
    g_array_index (plan->entry->pieces, Piece, plan->entry->placed++).offset = offset;
  if (plan->kind == PLAN_LAST_PIECE)
    table_add (self, plan->entry);
  plan_free (plan);
}

static gboolean
write_frames (const void *data, size_t size, void *user, GError **error)
{
  Chunked *self = user;
  return self->write (data, size, self->user, error);
}

/* ---- reading the tar */

/* end_frame: at @position of the block, if a frame is open. */
static void
end_frame (Chunked *self, GArray *ends, size_t position, int kind)
{
  guint32 end = (guint32) position, last = ends->len > 0 ? g_array_index (ends, guint32, ends->len - 1) : 0;
  if (end == last)
    return;
  g_array_append_val (ends, end);
  if (!self->plain)
    plan_push (self, kind, kind == PLAN_RAW ? NULL : self->entry);
}

static void
end_piece (Chunked *self, GArray *ends, size_t position)
{
  gboolean last = self->at == self->size;
  Piece piece = { digest_end (self->part), self->part_at, self->at - self->part_at, 0 };
  g_array_append_val (self->entry->pieces, piece);
  digest_free (self->part);
  self->part = digest_new ();
  self->part_at = self->at;
  self->hash = 0;
  end_frame (self, ends, position, last ? PLAN_LAST_PIECE : PLAN_PIECE);
}

/* find_end: how many of @size bytes belong to the piece, and whether it ends with them. */
static size_t
find_end (Chunked *self, const guint8 *data, size_t size, gboolean *ret_ends)
{
  gint64 have = self->at - self->part_at;
  size_t i = have < PIECE_MIN ? MIN (size, (size_t) (PIECE_MIN - have)) : 0;
  guint64 hash = self->hash;
  for (*ret_ends = FALSE; i < size && !*ret_ends; i++)
    {
      hash = (hash << 1) + self->gear[data[i]];
      *ret_ends = (hash & PIECE_MASK) == 0;
    }
  self->hash = hash;
  return i;
}

/* take_content: @size bytes at @position of the block. */
static void
take_content (Chunked *self, const guint8 *data, size_t size, size_t position, GArray *ends)
{
  digest_update (self->whole, data, size);
  self->crc = crc64_update (self->crc, data, size);
  while (size > 0)
    {
      gboolean is_end;
      size_t n = find_end (self, data, size, &is_end);
      digest_update (self->part, data, n);
      data += n;
      size -= n;
      position += n;
      self->at += (gint64) n;
      if (is_end && self->at < self->size)
        end_piece (self, ends, position);
    }
  if (self->at < self->size)
    return;
  self->entry->digest = digest_end (self->whole);
  split_file (self, self->entry->name, self->size);
  end_piece (self, ends, position);
  self->entry = NULL;   /* the plan's */
  self->unit = UNIT_FILL;
  self->left = -self->size & (TAR_BLOCK - 1);
}

static void
begin_content (Chunked *self, Entry *entry, gint64 size, size_t position, GArray *ends)
{
  end_frame (self, ends, position, PLAN_RAW);
  digest_free (self->whole);
  digest_free (self->part);
  self->whole = digest_new ();
  self->part = digest_new ();
  self->entry = entry;
  self->crc = self->hash = 0;
  self->at = self->part_at = 0;
  self->size = size;
  self->unit = UNIT_CONTENT;
  self->left = size;
}

/* is_new: has no member had this path? "./a//b/" is "a/b". */
static gboolean
is_new (Chunked *self, const char *name)
{
  g_autofree char *path = g_canonicalize_filename (name, "/");
  guint64 hash = crc64_update (0, (const guint8 *) path, strlen (path));
  return g_hash_table_add (self->names, GSIZE_TO_POINTER ((gsize) hash));
}

static void
take_member (Chunked *self, size_t position, GArray *ends)
{
  const TarMember *member = &self->header.member;
  Entry *entry = is_new (self, member->name) ? entry_new (member) : NULL;
  if (entry == NULL)
    {
      become_plain (self);
      return;
    }
  split_segment (self);
  self->unit = UNIT_HEADER;
  self->left = TAR_BLOCK;
  if (member->size > 0)
    {
      begin_content (self, entry, member->size, position, ends);
      return;
    }
  split_file (self, entry->name, 0);
  plan_push (self, PLAN_ENTRY, entry);
}

/* take_block: a header's. */
static void
take_block (Chunked *self, size_t position, GArray *ends)
{
  const guint8 *block = self->segment->data + self->segment->len - TAR_BLOCK;
  TarHeaderKind kind = tar_header_block (&self->header, block, &self->extension);
  if (kind == TAR_STRANGE || (kind != TAR_ZERO && self->zero))
    become_plain (self);
  else if (kind == TAR_MEMBER)
    take_member (self, position, ends);
  else if (kind == TAR_EXTENSION)
    {
      self->unit = self->extension > 0 ? UNIT_EXTENSION : UNIT_HEADER;
      self->left = self->extension > 0 ? (gint64) ((self->extension + TAR_BLOCK - 1) & ~(size_t) (TAR_BLOCK - 1)) : TAR_BLOCK;
    }
  else
    {
      self->unit = self->zero ? UNIT_REST : UNIT_HEADER;
      self->left = self->zero ? G_MAXINT64 : TAR_BLOCK;
      self->zero = TRUE;
    }
}

static void
end_unit (Chunked *self, size_t position, GArray *ends)
{
  if (self->unit == UNIT_HEADER)
    {
      take_block (self, position, ends);
      return;
    }
  if (self->unit == UNIT_EXTENSION)
    {
      size_t filled = (self->extension + TAR_BLOCK - 1) & ~(size_t) (TAR_BLOCK - 1);
      if (!tar_header_extension (&self->header, self->segment->data + self->segment->len - filled, self->extension))
        {
          become_plain (self);
          return;
        }
    }
  self->unit = UNIT_HEADER;
  self->left = TAR_BLOCK;
}

static gboolean
is_zero (const guint8 *data, size_t size)
{
  return size == 0 || (data[0] == 0 && memcmp (data, data + 1, size - 1) == 0);
}

/* take: @size bytes of the unit, which stand at @position of the block. */
static void
take (Chunked *self, const guint8 *data, size_t size, size_t position, GArray *ends)
{
  self->left -= (gint64) size;
  if (self->unit == UNIT_CONTENT)
    {
      take_content (self, data, size, position, ends);
      position += size;
    }
  else
    {
      g_byte_array_append (self->segment, data, (guint) size);
      position += size;
      if (self->unit == UNIT_REST && is_zero (data, size))
        split_segment (self);
      else if (self->unit == UNIT_REST || self->segment->len > SEGMENT_LIMIT)
        become_plain (self);
    }
  while (!self->plain && self->left == 0 && self->unit != UNIT_REST)
    end_unit (self, position, ends);
}

/* at_end: nothing comes any more. In the midst of something it is no tar that a table could be of. */
static void
at_end (Chunked *self)
{
  gboolean none = self->segment->len == 0 && self->n_split == 0, whole = self->unit == UNIT_REST || (self->unit == UNIT_HEADER && self->left == TAR_BLOCK && self->header.records == NULL && self->header.long_name == NULL && self->header.long_link == NULL);
  if (self->plain)
    return;
  if (none || !whole)
    become_plain (self);
  else
    split_segment (self);
}

static gssize
fill (void *data, size_t size, GArray *ends, void *user, GError **error)
{
  Chunked *self = user;
  size_t position = 0;
  while (position < size)
    {
      size_t want = self->plain ? size - position : (size_t) MIN ((gint64) (size - position), self->left);
      gssize n = byte_stream_read_full (self->in, (guint8 *) data + position, want, error);
      if (n < 0)
        return -1;
      if (!self->plain && n > 0)
        take (self, (guint8 *) data + position, (size_t) n, position, ends);
      position += (size_t) n;
      if ((size_t) n < want)
        {
          at_end (self);
          break;
        }
    }
  if (!self->plain && self->unit == UNIT_CONTENT && self->at > self->part_at)
    end_piece (self, ends, position);
  else
    end_frame (self, ends, position, PLAN_RAW);
  return (gssize) position;
}

/* ---- the frames that are skipped */

static gboolean
write_skipped (Chunked *self, const void *data, size_t size, GError **error)
{
  guint32 head[] = { GUINT32_TO_LE (ZSTD_MAGIC_SKIPPABLE_START), GUINT32_TO_LE ((guint32) size) };
  self->written += sizeof head + size;
  return self->write (head, sizeof head, self->user, error) && self->write (data, size, self->user, error);
}

static gboolean
end_tables (Chunked *self)
{
  if (self->plain)
    return FALSE;
  flush_entries (self);
  packed_push (&self->split, NULL, 0, ZSTD_e_end);
  g_autofree char *split_digest = digest_of (self->split.data->data, self->split.data->len);
  g_autofree char *end = g_strdup_printf ("%s],\"tarSplitDigest\":\"%s\"}", self->n_entries == 0 ? "{\"version\":1,\"entries\":[" : "", split_digest);
  packed_add (&self->table, end);
  packed_push (&self->table, NULL, 0, ZSTD_e_end);
  return !self->table.failed && !self->split.failed;
}

static gboolean
write_tables (Chunked *self, json_t **ret_annotations, GError **error)
{
  const Packed *table = &self->table, *split = &self->split;
  guint64 table_at = self->written + 8, split_at = table_at + table->data->len + 8;
  const guint64 footer[] = { table_at, table->data->len, table->size, TABLE_CRFS, split_at, split->data->len, split->size };
  guint8 bytes[sizeof footer + 8];
  for (gsize i = 0; i < G_N_ELEMENTS (footer); i++)
    {
      guint64 number = GUINT64_TO_LE (footer[i]);
      memcpy (bytes + 8 * i, &number, 8);
    }
  memcpy (bytes + sizeof footer, "GNUlInUx", 8);
  if (!write_skipped (self, table->data->data, table->data->len, error) || !write_skipped (self, split->data->data, split->data->len, error) ||
      !write_skipped (self, bytes, sizeof bytes, error))
    return FALSE;
  g_autofree char *checksum = digest_of (table->data->data, table->data->len);
  g_autofree char *position = g_strdup_printf ("%" G_GUINT64_FORMAT ":%u:%" G_GUINT64_FORMAT ":%d", table_at, table->data->len, table->size, TABLE_CRFS);
  g_autofree char *split_position = g_strdup_printf ("%" G_GUINT64_FORMAT ":%u:%" G_GUINT64_FORMAT, split_at, split->data->len, split->size);
  *ret_annotations = json_pack ("{s:s, s:s, s:s}", CHUNKED_ANNOTATION_CHECKSUM, checksum, CHUNKED_ANNOTATION_POSITION, position, CHUNKED_ANNOTATION_TARSPLIT, split_position);
  return TRUE;
}

/* ---- all of it */

/* make_gear: numbers without a pattern, the same ones every time. Source: splitmix64. */
static void
make_gear (guint64 *gear)
{
  guint64 state = 0;
  for (int i = 0; i < 256; i++)
    {
      guint64 z = state += 0x9e3779b97f4a7c15;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      gear[i] = z ^ (z >> 31);
    }
}

static void
chunked_clear (Chunked *self)
{
  g_queue_clear_full (&self->plans, plan_free);
  entry_free (self->entry);
  packed_clear (&self->table);
  packed_clear (&self->split);
  digest_free (self->whole);
  digest_free (self->part);
  tar_header_clear (&self->header);
  g_byte_array_unref (self->segment);
  g_hash_table_unref (self->names);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Chunked, chunked_clear)

gboolean
chunked_stream (ByteStream *in, int level, gboolean (*write) (const void *data, size_t size, void *user, GError **error), void *user, json_t **ret_annotations, GError **error)
{
  g_auto (Chunked) self = { .in = in, .write = write, .user = user, .unit = UNIT_HEADER, .left = TAR_BLOCK, .segment = g_byte_array_new (),
                            .names = g_hash_table_new (NULL, NULL) };
  *ret_annotations = NULL;
  g_queue_init (&self.plans);
  make_gear (self.gear);
  packed_begin (&self.table);
  packed_begin (&self.split);
  if (!compress_frames (fill, framed, write_frames, level, &self, error))
    return FALSE;
  return !end_tables (&self) || write_tables (&self, ret_annotations, error);
}
