#include "pkg/base/file_id.h"

guint
file_id_hash (const void *key)
{
  const FileId *id = key;
  return (guint) (id->inode ^ (id->inode >> 32) ^ id->device);
}

gboolean
file_id_equal (const void *a, const void *b)
{
  const FileId *one = a, *two = b;
  return one->device == two->device && one->inode == two->inode;
}
