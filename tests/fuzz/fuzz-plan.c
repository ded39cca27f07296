/* Any text as config.json: it is refused with an error, or its plan holds nothing that leads out of its block: the monitor and init follow its offsets unseen. */
#include "pkg/runtime/plan_build.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/plan-check.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  json_auto_t *config = json_loadb ((const char *) data, size, JSON_REJECT_DUPLICATES, NULL);
  if (config == NULL)
    return 0;
  ConfigPaths paths = { .root = (char *) "/r", .run_root = (char *) "/q", .cache = (char *) "/c", .libexec = (char *) "/l" };
  RuntimeOptions options = { .paths = &paths, .bundle = "/bundle", .id = "0123456789abcdef", .run_dir = -1, .out_fd = 1, .err_fd = 2, .client = -1, .stdin_read = -1, .stdin_write = -1 };
  g_autoptr (GArray) joins = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GByteArray) bytes = runtime_plan_build (config, &options, &joins, &error);
  if ((bytes == NULL) != (error != NULL) || (bytes != NULL && !plan_ok (bytes)))
    abort ();
  for (guint i = 0; joins != NULL && i < joins->len; i++)
    (void) close (g_array_index (joins, int, i));
  return 0;
}
