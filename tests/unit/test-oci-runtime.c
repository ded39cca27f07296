/* Which runtime is meant, and which is not ours. */
#include <glib.h>

#include "pkg/base/error.h"
#include "pkg/engine/oci_runtime.h"

#define OWN "/bin/sh"

static void
check (const char *text, const char *asked, const char *name, const char *path, int code)
{
  json_auto_t *conf = json_loads (text, 0, NULL);
  g_auto (OciRuntime) runtime = { 0 };
  g_autoptr (GError) error = NULL;
  g_assert_nonnull (conf);
  gboolean done = oci_runtime_choose (conf, asked, OWN, &runtime, &error);
  g_assert_cmpint (done, ==, error == NULL);
  g_assert_cmpstr (runtime.name, ==, name);
  g_assert_cmpstr (runtime.path, ==, path);
  if (name == NULL)
    g_assert_error (error, CORACLE_ERROR, code);
}

static void
test_choose (void)
{
  check ("{}", NULL, "coracle", OWN, 0);
  check ("{}", "coracle", "coracle", OWN, 0);
  check ("{}", OWN, OWN, OWN, 0);
  check ("{}", "", NULL, NULL, CORACLE_ERROR_INVALID);
  check ("{}", "bin/sh", NULL, NULL, CORACLE_ERROR_INVALID);
  check ("{}", "sh", NULL, NULL, CORACLE_ERROR_INVALID);
  check ("{}", "/etc/passwd", NULL, NULL, CORACLE_ERROR_UNSUPPORTED);
  check ("{\"engine\": {\"runtime\": \"\"}}", NULL, "coracle", OWN, 0);
  check ("{\"engine\": {\"runtime\": \"runj\"}}", NULL, "coracle", OWN, 0);
  check ("{\"engine\": {\"runtime\": \"nobody\"}}", NULL, NULL, NULL, CORACLE_ERROR_INVALID);
  check ("{\"engine\": {\"runtime\": \"nobody\"}}", "coracle", "coracle", OWN, 0);
}

static void
test_named (void)
{
  check ("{\"engine\": {\"runtime\": \"x\", \"runtimes\": {\"x\": [3, \"sh\", \"/nowhere\", \"/bin/sh\"]}}}", NULL, "x", OWN, 0);
  check ("{\"engine\": {\"runtimes\": {\"x\": [\"/etc/passwd\"]}}}", "x", NULL, NULL, CORACLE_ERROR_UNSUPPORTED);
  check ("{\"engine\": {\"runtimes\": {\"x\": \"/bin/sh\"}}}", "x", NULL, NULL, CORACLE_ERROR_INVALID);
  check ("{\"engine\": {\"runtimes_flags\": {\"coracle\": [\"f\"]}}}", NULL, NULL, NULL, CORACLE_ERROR_CANNOT_INVOKE);
  check ("{\"engine\": {\"runtimes_flags\": {\"crun\": [\"f\"]}}}", NULL, "coracle", OWN, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/oci-runtime/choose", test_choose);
  g_test_add_func ("/oci-runtime/named", test_named);
  return g_test_run ();
}
