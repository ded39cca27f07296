#include <stdlib.h>

#include "pkg/base/error.h"
#include "pkg/image/change.h"

static void
test_changes (void)
{
  const struct { const char *text, *json; } rows[] = {
    { "CMD [\"a\", \"b c\"]", "{\"Cmd\":[\"a\",\"b c\"]}" },
    { "cmd=/bin/sh -c x", "{\"Cmd\":[\"/bin/sh\",\"-c\",\"/bin/sh -c x\"]}" },
    { "CMD [\"a\", 1]", "{\"Cmd\":[\"/bin/sh\",\"-c\",\"[\\\"a\\\", 1]\"]}" },
    { "ENTRYPOINT []", "{\"Entrypoint\":[]}" },
    { "ENV A=1 B='two words'", "{\"Env\":[\"A=1\",\"B=two words\"]}" },
    { "ENV A some = thing", "{\"Env\":[\"A=some = thing\"]}" },
    { "ENV=A=1", "{\"Env\":[\"A=1\"]}" },
    { "LABEL a=b \"c d\"=e f", "{\"Labels\":{\"a\":\"b\",\"c d\":\"e\",\"f\":\"\"}}" },
    { "EXPOSE 80 53/udp 8000-8010/tcp", "{\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{},\"8000-8010/tcp\":{}}}" },
    { "VOLUME [\"/a\", \"/b c\"]", "{\"Volumes\":{\"/a\":{},\"/b c\":{}}}" },
    { "VOLUME /a /b", "{\"Volumes\":{\"/a\":{},\"/b\":{}}}" },
    { "USER\t1000:1000", "{\"User\":\"1000:1000\"}" },
    { "WORKDIR  /srv ", "{\"WorkingDir\":\"/srv\"}" },
    { "STOPSIGNAL 15", "{\"StopSignal\":\"15\"}" },
    { "ONBUILD RUN x", "{\"OnBuild\":[\"RUN x\"]}" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      json_t *config = json_object ();
      g_assert_true (image_change_apply (config, rows[i].text, &error));
      g_assert_no_error (error);
      char *text = json_dumps (config, JSON_COMPACT);
      g_assert_cmpstr (text, ==, rows[i].json);
      free (text);
      json_decref (config);
    }
}

static void
test_again (void)
{
  json_t *config = json_pack ("{s:[s,s]}", "Env", "A=1", "AB=2");
  g_assert_true (image_change_apply (config, "ENV A=3", NULL));
  g_assert_true (image_change_apply (config, "ENV C=4", NULL));
  char *text = json_dumps (config, JSON_COMPACT);
  g_assert_cmpstr (text, ==, "{\"Env\":[\"A=3\",\"AB=2\",\"C=4\"]}");
  free (text);
  json_decref (config);
}

static void
test_refused (void)
{
  static const char *const texts[] = { "", "RUN x", "CMD", "CMD  ", "EXPOSE 0", "EXPOSE 65536", "EXPOSE 5-3", "EXPOSE 80/icmp", "EXPOSE 80x", "WORKDIR a", "STOPSIGNAL X",
                                       "ENV =a", "LABEL 'open", "USER \xff", "CMDS x" };
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      json_t *config = json_object ();
      g_assert_false (image_change_apply (config, texts[i], &error));
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
      g_assert_true (g_str_has_prefix (error->message, "invalid change"));
      json_decref (config);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/change/forms", test_changes);
  g_test_add_func ("/change/again", test_again);
  g_test_add_func ("/change/refused", test_refused);
  return g_test_run ();
}
