#include <string.h>

#include "pkg/base/error.h"
#include "pkg/template/template.h"
#include "tests/unit/template-rows.h"

static const char sample[] =
    "{\"Id\":\"0123456789abcdef\",\"Name\":\"bob\",\"Names\":[\"a\",\"b\"],\"Empty\":[],\"Count\":3,\"Big\":10000000000,\"Ratio\":1.5,\"Running\":true,\"Nothing\":null,"
    "\"Labels\":{\"z\":\"26\",\"a\":\"1\",\"com.x/y\":\"dotted\"},\"State\":{\"Status\":\"running\",\"Pid\":42},\"network_interface\":\"br0\","
    "\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/x\"},{\"Type\":\"volume\",\"Source\":\"v\"}],\"Networks\":{\"podman\":{\"IP\":\"10.0.0.1\"}},\"Created\":\"2024-05-01T10:00:00.5Z\",\"StartedAt\":\"soon\",\"Html\":\"<a&b>\",\"Accent\":\"\\u00e9t\\u00e9\"}";

static void
test_values (void)
{
  static const Row rows[] = {
    { "", "" }, { "plain }} text", "plain }} text" }, { "{{.Name}}", "bob" }, { "{{ .State.Status }}", "running" }, { "{{.State.Pid}}", "42" }, { "{{.ID}}", "0123456789abcdef" },
    { "{{.NetworkInterface}}", "br0" }, { "{{.Names}}", "[a b]" }, { "{{.Empty}}", "[]" }, { "{{.Labels}}", "map[a:1 com.x/y:dotted z:26]" }, { "{{.State}}", "{running 42}" },
    { "{{.Mounts}}", "[{bind /x} {volume v}]" }, { "{{.Networks}}", "map[podman:{10.0.0.1}]" }, { "{{.Running}} {{.Nothing}} {{.Count}} {{.Big}} {{.Ratio}}", "true <nil> 3 10000000000 1.5" },
    { "{{.Labels.a}} {{.Labels.nope}} {{.Labels.nope.deeper}}", "1 <no value> <no value>" }, { "{{.Label \"a\"}}|{{.Label \"nope\"}}|{{\"com.x/y\" | .Label}}", "1||dotted" },
    { "{{(index .Mounts 1).Type}}", "volume" }, { "{{$.Name}} {{$.State}}", "bob {running 42}" }, { "{{.Networks.podman.IP}}", "10.0.0.1" }, { "a\\tb\\nc{{\"\\t\"}}", "a\tb\nc\t" },
    { "{{.Html}}", "<a&b>" }, { "{{1}} {{-2}} {{0x1F}} {{0b11}} {{0o17}} {{017}} {{1_000}} {{'a'}} {{'\\n'}}", "1 -2 31 3 15 15 1000 97 10" },
    { "{{.Created}} {{.StartedAt}} {{json .Created}} {{printf \"%.10s\" .Created}} {{len .StartedAt}}", "2024-05-01 10:00:00.5 +0000 UTC soon \"2024-05-01T10:00:00.5Z\" 2024-05-01 4" },
    { "{{1.5}} {{.5}} {{1e3}} {{1e21}} {{1234567.0}} {{1e-7}} {{0.0001}} {{100.0}}", "1.5 0.5 1000 1e+21 1.234567e+06 1e-07 0.0001 100" },
    { "{{`raw \\t`}} {{\"\\u00e9\\x41\\101\\\"\"}} {{true}}", "raw \\t \xc3\xa9" "AA\" true" },
  };
  check_rows (sample, rows, G_N_ELEMENTS (rows));
}

static void
test_control (void)
{
  static const Row rows[] = {
    { "{{if .Running}}y{{else}}n{{end}}", "y" }, { "{{if .Empty}}y{{else if .Count}}c{{else}}n{{end}}", "c" }, { "{{if not .Running}}y{{else if .Nothing}}c{{else}}n{{end}}", "n" },
    { "{{with .State}}{{.Status}}{{$.Name}}{{end}}", "runningbob" }, { "{{with .Empty}}x{{else}}none{{end}}", "none" }, { "{{with $x := .Name}}{{$x}}{{.}}{{end}}", "bobbob" },
    { "{{with .Empty}}x{{else with .Name}}{{.}}{{end}}", "bob" },
    { "{{range .Names}}<{{.}}>{{end}}", "<a><b>" }, { "{{range $i, $n := .Names}}{{$i}}={{$n}} {{end}}", "0=a 1=b " }, { "{{range $n := .Names}}{{$n}}{{end}}", "ab" },
    { "{{range $k, $v := .Labels}}{{$k}}:{{$v}};{{end}}", "a:1;com.x/y:dotted;z:26;" }, { "{{range .Empty}}x{{else}}none{{end}}", "none" }, { "{{range .Nothing}}x{{else}}none{{end}}", "none" },
    { "{{range 3}}{{.}}{{end}}{{range $i := 2}}{{$i}}{{end}}", "01201" },
    { "{{range .Mounts}}{{if eq .Type \"volume\"}}{{.Source}}{{end}}{{end}}", "v" }, { "{{range 9}}{{if eq . 2}}{{continue}}{{end}}{{if eq . 4}}{{break}}{{end}}{{.}}{{end}}", "013" },
    { "{{range 2}}{{range 9}}{{break}}{{end}}x{{end}}", "xx" }, { "{{$x := 1}}{{range .Names}}{{$x = .}}{{end}}{{$x}}", "b" }, { "{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21" },
    { "{{define \"t\"}}<{{.}}>{{end}}{{template \"t\" .Name}}{{template \"t\"}}", "<bob><<no value>>" }, { "{{block \"b\" .Name}}[{{.}}{{$}}]{{end}}", "[bobbob]" },
    { "a {{- /* c */ -}} b", "ab" }, { "a{{/* it's {{ */}}b", "ab" }, { "a \n {{- .Name -}} \n b", "abobb" }, { "a {{.Name -}}  b", "a bobb" }, { "{{- -3 -}}", "-3" }, { "{{with .State -}}\n {{.Pid}}\n{{- end}}", "42" },
    { "{{.Name | printf \"%s-%s\" \"x\"}}", "x-bob" }, { "{{(printf \"%s\" .Name) | len}}", "3" }, { "{{$v := .State}}{{$v.Pid}} {{(.State).Pid}}", "42 42" }, { "{{/**/}}", "" },
  };
  check_rows (sample, rows, G_N_ELEMENTS (rows));
}

static void
test_functions (void)
{
  static const Row rows[] = {
    { "{{eq 1 1}} {{eq \"a\" \"b\" \"a\"}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt \"b\" \"a\"}} {{ge 1.5 2}}", "true true true true true true false" }, { "{{eq .Nothing nil}} {{eq .Name nil}}", "true false" },
    { "{{and 1 0 .Nope}}", "0" }, { "{{or 0 \"x\" .Nope}} {{or 0 \"\"}}", "x " }, { "{{and true \"x\"}} {{not 0}}", "x true" },
    { "{{len .Names}} {{len .Labels}} {{len .Name}} {{len .Accent}}", "2 3 3 5" }, { "{{index .Names 1}} {{index .Labels \"com.x/y\"}} {{index .Labels \"no\"}}| {{index .Name 0}} {{index .Networks \"podman\" \"IP\"}}", "b dotted | 98 10.0.0.1" },
    { "{{slice .Id 0 12}} {{slice .Id 14}} {{slice .Names 1}}", "0123456789ab ef [b]" }, { "{{print 1 2 \"x\" 3 4}} {{print \"a\" \"b\"}}", "1 2x3 4 ab" }, { "{{println 1 \"x\" true}}", "1 x true\n" },
    { "{{html .Html}} {{html \"'\\\"\"}}", "&lt;a&amp;b&gt; &#39;&#34;" }, { "{{js .Html}} {{js `\"'\\`}}", "\\u003Ca\\u0026b\\u003E \\\"\\'\\\\" }, { "{{urlquery \"a b&c/\"}}", "a+b%26c%2F" },
    { "{{json .Names}} {{json .Labels}} {{json .State}} {{json .Html}} {{json .Nothing}}", "[\"a\",\"b\"] {\"a\":\"1\",\"com.x/y\":\"dotted\",\"z\":\"26\"} {\"Status\":\"running\",\"Pid\":42} \"<a&b>\" null" },
    { "{{join .Names \", \"}}|{{join .Nothing \",\"}}", "a, b|" }, { "{{split \"a,b,\" \",\"}} {{len (split \"a,b,\" \",\")}} {{split \"\xc3\xa9x\" \"\"}}", "[a b ] 3 [\xc3\xa9 x]" },
    { "{{upper .Accent}} {{lower \"AB\"}} {{title \"the o'neil way\"}}", "\xc3\x89T\xc3\x89 ab The O'neil Way" }, { "[{{pad \"x\" 1 2}}] [{{pad \"\" 1 2}}]", "[ x  ] []" }, { "{{truncate .Id 4}} {{truncate .Accent 1}} {{truncate .Name 99}}", "0123 \xc3\xa9 bob" },
  };
  check_rows (sample, rows, G_N_ELEMENTS (rows));
}

static void
test_printf (void)
{
  static const Row rows[] = {
    { "{{printf \"%s %d %v %t %%\" .Name .Count .Ratio .Running}}", "bob 3 1.5 true %" }, { "{{printf \"[%-6s] [%6s] [%.2s] [%06d] [%+d] [% d] [%x] [%X] [%o] [%#x] [%b]\" .Name .Name .Name 42 42 42 255 255 8 255 5}}",
                                                                                     "[bob   ] [   bob] [bo] [000042] [+42] [ 42] [ff] [FF] [10] [0xff] [101]" },
    { "{{printf \"%q %x %X\" .Name .Name \"xyz\"}}", "\"bob\" 626f62 78797A" }, { "{{printf \"%q\" \"a\\n\\\"\xc3\xa9\\x01\"}}", "\"a\\n\\\"\xc3\xa9\\x01\"" }, { "{{printf \"%f %.2f %8.1f %g %e %v\" 1.5 1.255 2.25 1e21 1.5 1e6}}", "1.500000 1.25      2.2 1e+21 1.500000e+00 1e+06" },
    { "{{printf \"%c %q %U\" 233 97 233}}", "\xc3\xa9 'a' U+00E9" }, { "{{printf \"%v %+v %s %q\" .State .State .Names .Names}}", "{running 42} {Status:running Pid:42} [a b] [\"a\" \"b\"]" }, { "{{printf \"%v %v\" .Labels .Nothing}}", "map[a:1 com.x/y:dotted z:26] <nil>" },
    { "{{printf \"%d %s\" .Name 3}}", "%!d(string=bob) %!s(int=3)" }, { "{{printf \"%d\"}}", "%!d(MISSING)" }, { "{{printf \"x\" 1 \"y\"}}", "x%!(EXTRA int=1, string=y)" }, { "{{printf \"%\"}}", "%!(NOVERB)" }, { "{{printf \"%s\" nil}}", "%!s(<nil>)" },
    { "{{printf \"%[2]s %[1]s\" \"a\" \"b\"}} {{printf \"%*d|%-*d|\" 4 1 4 2}}", "b a    1|2   |" }, { "{{printf \"%T %T %T %T %T\" 1 \"a\" true .Names .Ratio}}", "int string bool []interface {} float64" },
    { "{{printf \"%5t|%-5v|%5v|\" true true .Names}}", " true|true |[a b]|" }, { "{{printf \"%3s|%.1s\" \"\xc3\xa9\" \"\xc3\xa9x\"}}", "  \xc3\xa9|\xc3\xa9" }, { "{{printf \"%03d|%.3d|%-4d|\" -5 5 5}}", "-05|005|5   |" },
  };
  check_rows (sample, rows, G_N_ELEMENTS (rows));
}

static void
test_errors (void)
{
  static const struct { const char *format, *message; gboolean at_parse; } rows[] = {
    { "{{foo}}", "template: format:1: function \"foo\" not defined", TRUE }, { "\n{{.X", "template: format:2: unclosed action", TRUE }, { "{{if .X}}", "template: format:1: unexpected EOF", TRUE },
    { "{{end}}", "template: format:1: unexpected {{end}}", TRUE }, { "{{else}}", "template: format:1: unexpected {{else}}", TRUE }, { "{{}}", "template: format:1: missing value for command", TRUE }, { "{{if}}{{end}}", "template: format:1: missing value for if", TRUE },
    { "{{$x}}", "template: format:1: undefined variable \"$x\"", TRUE }, { "{{$x = 1}}", "template: format:1: undefined variable \"$x\"", TRUE }, { "{{if true}}{{$x := 1}}{{end}}{{$x}}", "template: format:1: undefined variable \"$x\"", TRUE },
    { "{{\"abc}}", "template: format:1: unterminated quoted string", TRUE }, { "{{`abc}}", "template: format:1: unterminated raw quoted string", TRUE }, { "{{'ab'}}", "template: format:1: malformed character constant: 'ab'", TRUE },
    { "{{1x}}", "template: format:1: bad number syntax: \"1x\"", TRUE }, { "{{.A | }}", "template: format:1: missing value for command", TRUE }, { "{{.A | 3}}", "template: format:1: non executable command in pipeline stage 2", TRUE },
    { "{{(.A}}", "template: format:1: unclosed left paren", TRUE }, { "{{.A)}}", "template: format:1: unexpected right paren", TRUE }, { "{{/* x}}", "template: format:1: unclosed comment", TRUE }, { "{{/*", "template: format:1: unclosed comment", TRUE }, { "{{/* x */ y}}", "template: format:1: comment ends before closing delimiter", TRUE },
    { "{{break}}", "template: format:1: {{break}} outside {{range}}", TRUE }, { "{{.A@}}", "template: format:1: bad character U+0040 '@'", TRUE }, { "{{@}}", "template: format:1: unrecognized character in action: U+0040 '@'", TRUE },
    { "{{if .A}}{{else}}{{else}}{{end}}", "template: format:1: expected end; found {{else}}", TRUE }, { "{{true.X}}", "template: format:1: unexpected . after term \"true.X\"", TRUE }, { "{{\"\\q\"}}", "template: format:1: invalid syntax", TRUE },
    { "{{.Nope}}", "template: format:1:2: executing \"format\" at <.Nope>: can't evaluate field Nope in type object", FALSE }, { "a\n  {{.State.Nope}}", "template: format:2:4: executing \"format\" at <.State.Nope>: can't evaluate field Nope in type object", FALSE },
    { "{{.Name.X}}", "template: format:1:2: executing \"format\" at <.Name.X>: can't evaluate field X in type string", FALSE }, { "{{.Nothing.X}}", "template: format:1:2: executing \"format\" at <.Nothing.X>: nil pointer evaluating interface {}.X", FALSE },
    { "{{index .Names 5}}", "template: format:1:2: executing \"format\" at <index .Names 5>: error calling index: index out of range: 5", FALSE }, { "{{len 3}}", "template: format:1:2: executing \"format\" at <len 3>: error calling len: len of type int", FALSE },
    { "{{lt 1 \"a\"}}", "template: format:1:2: executing \"format\" at <lt 1 \"a\">: error calling lt: incompatible types for comparison", FALSE }, { "{{eq .Names .Names}}", "template: format:1:2: executing \"format\" at <eq .Names .Names>: error calling eq: non-comparable type []interface {}", FALSE },
    { "{{len}}", "template: format:1:2: executing \"format\" at <len>: wrong number of args for len: want 1 got 0", FALSE }, { "{{eq 1}}", "template: format:1:2: executing \"format\" at <eq 1>: wrong number of args for eq: want at least 2 got 1", FALSE },
    { "{{range .Name}}{{end}}", "template: format:1:8: executing \"format\" at <.Name>: range can't iterate over bob", FALSE }, { "{{template \"x\"}}", "template: format:1:11: executing \"format\" at <\"x\">: template \"x\" not defined", FALSE },
    { "{{.Name 1}}", "template: format:1:2: executing \"format\" at <.Name>: Name has arguments but cannot be invoked as function", FALSE }, { "{{.State.Pid | upper}}", "template: format:1:15: executing \"format\" at <upper>: error calling upper: wrong type for value; expected string; got int", FALSE },
  };
  json_t *value = json_loads (sample, 0, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GString) out = g_string_new (NULL);
      g_autoptr (GError) error = NULL;
      g_test_message ("%s", rows[i].format);
      g_assert_false (template_render (rows[i].format, value, out, &error));
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
      g_assert_cmpstr (error->message, ==, rows[i].message);
      g_assert_cmpint (template_check (rows[i].format, NULL), ==, !rows[i].at_parse);
    }
  json_decref (value);
}

static char *
repeat (const char *text, size_t times)
{
  GString *out = g_string_new (NULL);
  for (size_t i = 0; i < times; i++)
    g_string_append (out, text);
  return g_string_free (out, FALSE);
}

/* Each must end soon, with an error that says why. */
static void
test_bounds (void)
{
  g_autofree char *parens = repeat ("(", 5000), *ifs = repeat ("{{if true}}", 5000), *loops = repeat ("{{range 9}}", 50), *ends = repeat ("{{end}}", 50), *long_text = repeat ("x", 300000);
  g_autofree char *variables = repeat ("{{$x := 1}}", 20000), *searches = g_strconcat ("{{$y := 1}}", variables, "{{range 1000000}}{{$y}}{{end}}", NULL);
  g_autofree char *deep = g_strconcat ("{{", parens, "1", NULL), *loop = g_strconcat (loops, "x", ends, NULL);
  const struct { const char *format, *part; } rows[] = {
    { deep, "nested deeper than 100 levels" }, { ifs, "nested deeper than 100 levels" }, { loop, "it runs for too long" }, { searches, "it runs for too long" }, { long_text, "longer than" }, { "{{range 999999999999}}{{end}}", "it runs for too long" },
    { "{{define \"t\"}}{{template \"t\"}}{{end}}{{template \"t\"}}", "exceeded maximum template depth" }, { "{{$x := \"xxxxxxxx\"}}{{range 60}}{{$x = printf \"%s%s\" $x $x}}{{end}}", "longer than 16777216 bytes" },
    { "{{range 100000}}{{printf \"%1000000d\" 1}}{{end}}", "it runs for too long" }, { "{{pad \"x\" 999999999999 1}}", "longer than 16777216 bytes" },
  };
  json_t *value = json_loads (sample, 0, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GString) out = g_string_new (NULL);
      g_autoptr (GError) error = NULL;
      g_test_message ("%.60s", rows[i].format);
      g_assert_false (template_render (rows[i].format, value, out, &error));
      g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
      g_assert_nonnull (strstr (error->message, rows[i].part));
    }
  json_decref (value);
}

static void
test_list (void)
{
  static const TemplateHeader headers[] = { { "ID", "CONTAINER ID" }, { "Image", "IMAGE" }, { NULL, NULL } };
  static const struct { const char *format; TemplateFlags flags; const char *expected; } rows[] = {
    { "table {{.ID}}\\t{{.Image}}\\t{{.CreatedAt}}", 0, "CONTAINER ID  IMAGE                CREATED AT\n0123456789ab  localhost/x:latest   now\n1             localhost/yy:latest  then\n" },
    { "table {{.ID}} {{.Image}} {{.CreatedAt}}", TEMPLATE_NO_HEADING, "0123456789ab  localhost/x:latest   now\n1             localhost/yy:latest  then\n" },
    { "table {{truncate 3 .ID}}", TEMPLATE_NO_HEADING, NULL },
    { "table {{truncate .ID 3}}\t{{.Label \"k\"}}\t{{join .Names \", \"}}", 0, "CONTAINER ID  LABEL       NAMES\n012           v           a, b\n1                         \n" },
    { "table {{range .}}{{.ID}}\\t{{.Image}}\\n{{end}}", 0, "CONTAINER ID  IMAGE\n0123456789ab  localhost/x:latest\n1             localhost/yy:latest\n" },
    { "{{.ID}}", 0, "0123456789ab\n1\n" }, { "{{.ID}}\\t{{.Image}}", 0, "0123456789ab\tlocalhost/x:latest\n1\tlocalhost/yy:latest\n" }, { "{{.ID}}\\n", 0, "0123456789ab\n1\n" }, { "{{range .}}{{.ID}} {{end}}", 0, "0123456789ab 1 \n" },
    { "{{- range . -}} {{.ID}} {{- end -}}", 0, "0123456789ab1\n" }, { "{{json .ID}}", 0, "\"0123456789ab\"\n\"1\"\n" }, { "x", 0, "x\nx\n" }, { "", 0, "\n\n" }, { "{{len .Names}}", 0, "2\n0\n" },
  };
  json_t *array = json_loads ("[{\"ID\":\"0123456789ab\",\"Image\":\"localhost/x:latest\",\"CreatedAt\":\"now\",\"Names\":[\"a\",\"b\"],\"Labels\":{\"k\":\"v\"}},"
                              "{\"ID\":\"1\",\"Image\":\"localhost/yy:latest\",\"CreatedAt\":\"then\",\"Names\":[],\"Labels\":{}}]", 0, NULL);
  g_assert_nonnull (array);
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GString) out = g_string_new (NULL);
      g_autoptr (GError) error = NULL;
      g_test_message ("%s", rows[i].format);
      gboolean ok = template_render_list (rows[i].format, array, headers, rows[i].flags, out, &error);
      g_assert_cmpint (ok, ==, rows[i].expected != NULL);
      if (ok)
        g_assert_cmpstr (out->str, ==, rows[i].expected);
      else
        g_assert_error (error, CORACLE_ERROR, CORACLE_ERROR_INVALID);
    }
  json_decref (array);
}

static void
test_list_empty_and_json (void)
{
  json_t *array = json_loads ("[{\"Id\":\"<1>\",\"Names\":[\"a\"]}]", 0, NULL), *none = json_array ();
  static const char json[] = "[\n    {\n        \"Id\": \"<1>\",\n        \"Names\": [\n            \"a\"\n        ]\n    }\n]\n";
  static const char lines[] = "{\"Id\":\"<1>\",\"Names\":[\"a\"]}\n";
  static const char *const formats[] = { "json", " json ", "{{json}}", "{{json .}}", "{{ json . }}", "{{- json . -}}" };
  for (size_t i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autoptr (GString) out = g_string_new (NULL), empty = g_string_new (NULL);
      g_assert_true (template_is_json (formats[i]));
      g_assert_true (template_check (formats[i], NULL));
      g_assert_true (template_render_list (formats[i], array, NULL, 0, out, NULL));
      g_assert_true (template_render_list (formats[i], none, NULL, 0, empty, NULL));
      gboolean each = strchr (formats[i], '.') != NULL;
      g_assert_cmpstr (out->str, ==, each ? lines : json);
      g_assert_cmpstr (empty->str, ==, each ? "" : "[]\n");
    }
  g_assert_false (template_is_json ("{{json .Id}}"));
  g_assert_false (template_is_json ("jsonx"));
  static const struct { const char *format, *expected; } rows[] = { { "table {{.ID}}\t{{.ImageID}}\t{{.RunningFor}}", "ID          IMAGE ID    RUNNING FOR\n" }, { "{{.ID}}", "" }, { "{{range .}}{{.ID}}{{end}}", "" } };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GString) out = g_string_new (NULL);
      g_assert_true (template_render_list (rows[i].format, none, NULL, 0, out, NULL));
      g_assert_cmpstr (out->str, ==, rows[i].expected);
    }
  json_decref (array);
  json_decref (none);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/template/values", test_values);
  g_test_add_func ("/template/control", test_control);
  g_test_add_func ("/template/functions", test_functions);
  g_test_add_func ("/template/printf", test_printf);
  g_test_add_func ("/template/errors", test_errors);
  g_test_add_func ("/template/bounds", test_bounds);
  g_test_add_func ("/template/list", test_list);
  g_test_add_func ("/template/list-empty-and-json", test_list_empty_and_json);
  return g_test_run ();
}
