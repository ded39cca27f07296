#include "cmd/coracle/fetch_options.h"

#include "cmd/common/access_options.h"
#include "cmd/common/authfile.h"
#include "pkg/base/error.h"
#include "pkg/image/manifest.h"

const CliOption fetch_options[] = {
  { "arch", 0, CLI_STRING, .arg = "ARCH", .help = "Use ARCH instead of the architecture of the machine for choosing images" },
  ACCESS_OPTION_AUTHFILE,
  ACCESS_OPTION_CERT_DIR,
  ACCESS_OPTION_CREDS,
  ACCESS_OPTION_DECRYPTION_KEY,
  ACCESS_OPTION_CONTENT_TRUST,
  { "os", 0, CLI_STRING, .arg = "OS", .help = "Use OS instead of the running OS for choosing images" },
  ACCESS_OPTION_RETRY,
  ACCESS_OPTION_RETRY_DELAY,
  ACCESS_OPTION_TLS_VERIFY,
  { "variant", 0, CLI_STRING, .arg = "VARIANT", .help = "Take the image for this variant of the architecture" },
  CLI_END
};

static gboolean
read_platform (ContainerOptions *options, const CliArgs *args, GError **error)
{
  const char *os = cli_args_string (args, "os"), *arch = cli_args_string (args, "arch"), *variant = cli_args_string (args, "variant");
  if (os == NULL && arch == NULL && variant == NULL)
    return TRUE;
  if (cli_args_is_set (args, "platform"))
    return coracle_throw (error, CORACLE_ERROR_INVALID, "--platform option can not be specified with --arch or --os");
  ImagePlatform host = image_platform_host ();
  g_free (options->platform);
  options->platform = g_strconcat (os != NULL ? os : host.os, "/", arch != NULL ? arch : host.architecture, variant != NULL ? "/" : NULL, variant, NULL);
  return TRUE;
}

gboolean
fetch_options_read (ContainerOptions *options, const CliArgs *args, GError **error)
{
  static const char *const texts[] = { "authfile", "cert-dir", "creds", "retry-delay" };
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();
  if (cli_args_list (args, "decryption-key")[0] != NULL)
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "--decryption-key: encrypted images are not supported: decrypt it with skopeo copy --decryption-key first");
  if (!cli_args_bool (args, "disable-content-trust"))
    return coracle_throw (error, CORACLE_ERROR_UNSUPPORTED, "--disable-content-trust=false: Docker's content trust is not supported: policy.json says which signatures are asked for");
  if (!authfile_check (args, error) || !read_platform (options, args, error))
    return FALSE;
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    if (cli_args_is_set (args, texts[i]))
      {
        g_autofree char *word = g_strdup_printf ("--%s=%s", texts[i], cli_args_string (args, texts[i]));
        g_strv_builder_add (words, word);
      }
  if (cli_args_is_set (args, "tls-verify"))
    g_strv_builder_add (words, cli_args_bool (args, "tls-verify") ? "--tls-verify=true" : "--tls-verify=false");
  if (cli_args_is_set (args, "retry"))
    {
      g_autofree char *word = g_strdup_printf ("--retry=%" G_GINT64_FORMAT, cli_args_int (args, "retry"));
      g_strv_builder_add (words, word);
    }
  if (cli_args_bool (args, "quiet"))
    g_strv_builder_add (words, "--quiet");
  g_strfreev (options->fetch);
  options->fetch = g_strv_builder_end (words);
  return TRUE;
}
