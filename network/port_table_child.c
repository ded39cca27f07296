#include "network/port_table.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>

const PortTable *
port_table_map (int fd)
{
  struct stat st;
  if (fd < 0 || fstat (fd, &st) < 0 || (size_t) st.st_size < sizeof (PortTable))
    return NULL;
  const PortTable *table = mmap (NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (table == MAP_FAILED)
    return NULL;
  if (table->magic == PORT_TABLE_MAGIC && (size_t) st.st_size == sizeof *table + table->n * sizeof (PortEntry))
    return table;
  (void) munmap ((void *) table, (size_t) st.st_size);
  return NULL;
}
