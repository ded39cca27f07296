/* Any text as a seccomp profile: it is refused with an error, or what it resolves to resolves to itself again. */
#include "pkg/seccomp/internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  g_autoptr (GError) error = NULL;
  json_t *profile = profile_parse ((const char *) data + 1, size - 1, &error);
  if (profile == NULL)
    return error != NULL ? 0 : (abort (), 0);
  json_t *oci = profile_resolve (profile, (uint64_t) data[0] * UINT64_C (0x0101010101010101), &error);
  json_decref (profile);
  if (oci == NULL)
    return error != NULL ? 0 : (abort (), 0);
  json_t *again = profile_resolve (oci, 0, &error);
  if (again == NULL || !json_equal (oci, again))
    abort ();
  /* libseccomp's own time is not what is looked for */
  SeccompFilter filter = { 0 };
  if (size < 1024)
    (void) compile_oci (oci, &filter, NULL);
  g_free (filter.program);
  json_decref (again);
  json_decref (oci);
  return 0;
}
