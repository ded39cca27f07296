#include <string.h>

#include "pkg/base/error.h"
#include "pkg/template/function.h"
#include "pkg/template/lex.h"
#include "pkg/template/tree.h"

#define SOURCE_MAX (256 * 1024)
#define NEST_MAX 100   /* blocks and parentheses; the parser and the executor recurse on them */

static void
pipe_free (Pipe *pipe)
{
  if (pipe == NULL)
    return;
  g_ptr_array_unref (pipe->variables);
  g_ptr_array_unref (pipe->commands);
  g_free (pipe);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pipe, pipe_free)

static void
operand_free (void *data)
{
  Operand *operand = data;
  g_free (operand->name);
  json_decref (operand->literal);
  g_ptr_array_unref (operand->fields);
  pipe_free (operand->pipe);
  g_free (operand);
}

static void
command_free (void *data)
{
  Command *command = data;
  g_ptr_array_unref (command->operands);
  g_free (command);
}

static void
node_free (void *data)
{
  Node *node = data;
  if (node == NULL)
    return;
  g_free (node->text);
  pipe_free (node->pipe);
  if (node->body != NULL)
    g_ptr_array_unref (node->body);
  if (node->otherwise != NULL)
    g_ptr_array_unref (node->otherwise);
  g_free (node);
}

void
tree_free (Tree *tree)
{
  if (tree == NULL)
    return;
  g_free (tree->source);
  if (tree->root != NULL)
    g_ptr_array_unref (tree->root);
  g_hash_table_unref (tree->templates);
  g_free (tree);
}

size_t
tree_line (const char *source, size_t at, size_t *ret_column)
{
  size_t line = 1, column = 0;
  for (size_t i = 0; i < at && source[i] != 0; i++)
    {
      column++;
      if (source[i] == '\n')
        {
          line++;
          column = 0;
        }
    }
  if (ret_column != NULL)
    *ret_column = column;
  return line;
}

typedef struct {
  const char *name;
  Tree *tree;
  Lexer lexer;
  Token token;           /* the one being looked at */
  GPtrArray *variables;  /* names in scope, borrowed from the tree */
  size_t nest, loops;
} Parser;

/* What ended a list of nodes. */
typedef enum { END_EOF, END_END, END_ELSE } ListEnd;

static gboolean
fail_at (Parser *parser, size_t at, GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  return coracle_throw (error, CORACLE_ERROR_INVALID, "template: %s:%zu: %s", parser->name, tree_line (parser->tree->source, at, NULL), what);
}

static gboolean
advance (Parser *parser, GError **error)
{
  token_clear (&parser->token);
  g_autoptr (GError) problem = NULL;
  if (lex_next (&parser->lexer, &parser->token, &problem))
    return TRUE;
  return fail_at (parser, parser->lexer.at, error, "%s", problem->message);
}

static char *
token_text (Parser *parser)
{
  return g_strndup (parser->tree->source + parser->token.start, parser->token.end - parser->token.start);
}

static gboolean
unexpected (Parser *parser, const char *context, GError **error)
{
  if (parser->token.kind == TOKEN_EOF)
    return fail_at (parser, parser->token.start, error, "unexpected EOF");
  g_autofree char *text = token_text (parser);
  return fail_at (parser, parser->token.start, error, "unexpected %s%s%s in %s", parser->token.kind == TOKEN_CLOSE ? "" : "<", text, parser->token.kind == TOKEN_CLOSE ? "" : ">", context);
}

static gboolean
word_is (Parser *parser, const char *word)
{
  const Token *token = &parser->token;
  return token->kind == TOKEN_WORD && strlen (word) == token->end - token->start && strncmp (parser->tree->source + token->start, word, strlen (word)) == 0;
}

static gboolean
expect_close (Parser *parser, const char *context, GError **error)
{
  if (parser->token.kind != TOKEN_CLOSE)
    return unexpected (parser, context, error);
  return advance (parser, error);
}

static gboolean
nest_enter (Parser *parser, GError **error)
{
  if (++parser->nest > NEST_MAX)
    return fail_at (parser, parser->token.start, error, "nested deeper than %d levels", NEST_MAX);
  return TRUE;
}

static Pipe *parse_pipe (Parser *parser, const char *context, TokenKind end, GError **error);

static gboolean
variable_known (Parser *parser, const char *name)
{
  for (size_t i = 0; i < parser->variables->len; i++)
    if (strcmp (g_ptr_array_index (parser->variables, i), name) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
operand_word (Parser *parser, Operand *operand, GError **error)
{
  operand->name = token_text (parser);
  if (strcmp (operand->name, "nil") == 0)
    operand->kind = OPERAND_NIL;
  else if (strcmp (operand->name, "true") == 0 || strcmp (operand->name, "false") == 0)
    {
      operand->kind = OPERAND_LITERAL;
      operand->literal = json_boolean (operand->name[0] == 't');
    }
  else if (function_find (operand->name) == NULL)
    {
      static const char *const keywords[] = { "if", "else", "end", "range", "with", "define", "template", "block", "break", "continue", NULL };
      if (g_strv_contains (keywords, operand->name))
        return unexpected (parser, "operand", error);
      return fail_at (parser, parser->token.start, error, "function \"%s\" not defined", operand->name);
    }
  else
    operand->kind = OPERAND_FUNCTION;
  return TRUE;
}

static gboolean
operand_paren (Parser *parser, Operand *operand, GError **error)
{
  operand->kind = OPERAND_PIPE;
  if (!nest_enter (parser, error) || !advance (parser, error))
    return FALSE;
  operand->pipe = parse_pipe (parser, "parenthesized pipeline", TOKEN_RIGHT, error);
  parser->nest--;
  return operand->pipe != NULL;
}

/* The operand's first token; leaves the token after it. */
static gboolean
operand_head (Parser *parser, Operand *operand, GError **error)
{
  switch (parser->token.kind)
    {
    case TOKEN_DOT:
      operand->kind = OPERAND_DOT;
      break;
    case TOKEN_FIELD:
      operand->kind = OPERAND_DOT;
      return TRUE;   /* the chain that follows begins with this very token */
    case TOKEN_VARIABLE:
      operand->kind = OPERAND_VARIABLE;
      operand->name = token_text (parser);
      if (!variable_known (parser, operand->name))
        return fail_at (parser, parser->token.start, error, "undefined variable \"%s\"", operand->name);
      break;
    case TOKEN_LITERAL:
      operand->kind = OPERAND_LITERAL;
      operand->literal = g_steal_pointer (&parser->token.value);
      break;
    case TOKEN_WORD:
      if (!operand_word (parser, operand, error))
        return FALSE;
      break;
    case TOKEN_LEFT:
      if (!operand_paren (parser, operand, error))
        return FALSE;
      operand->end = parser->token.end;
      break;
    default:
      return unexpected (parser, "operand", error);
    }
  operand->end = parser->token.end;
  return advance (parser, error);
}

static Operand *
parse_operand (Parser *parser, GError **error)
{
  Operand *operand = g_new0 (Operand, 1);
  operand->start = parser->token.start;
  operand->fields = g_ptr_array_new_with_free_func (g_free);
  gboolean head_is_field = parser->token.kind == TOKEN_FIELD;
  if (!operand_head (parser, operand, error))
    {
      operand_free (operand);
      return NULL;
    }
  while (parser->token.kind == TOKEN_FIELD && (head_is_field || !parser->token.space_before))
    {
      head_is_field = FALSE;
      g_autofree char *text = token_text (parser);
      g_ptr_array_add (operand->fields, g_strdup (text + 1));
      operand->end = parser->token.end;
      if (!advance (parser, error))
        {
          operand_free (operand);
          return NULL;
        }
    }
  if (operand->fields->len > 0 && (operand->kind == OPERAND_LITERAL || operand->kind == OPERAND_NIL))
    {
      fail_at (parser, operand->start, error, "unexpected . after term \"%.*s\"", (int) (operand->end - operand->start), parser->tree->source + operand->start);
      operand_free (operand);
      return NULL;
    }
  return operand;
}

static gboolean
ends_command (const Token *token, TokenKind end)
{
  return token->kind == TOKEN_PIPE || token->kind == end;
}

static gboolean
parse_command (Parser *parser, Pipe *pipe, const char *context, TokenKind end, GError **error)
{
  Command *command = g_new0 (Command, 1);
  command->operands = g_ptr_array_new_with_free_func (operand_free);
  g_ptr_array_add (pipe->commands, command);
  while (!ends_command (&parser->token, end))
    {
      if (parser->token.kind == TOKEN_RIGHT)
        return fail_at (parser, parser->token.start, error, "unexpected right paren");
      if (parser->token.kind == TOKEN_CLOSE)
        return fail_at (parser, parser->token.start, error, "unclosed left paren");
      if (command->operands->len > 0 && !parser->token.space_before)
        return unexpected (parser, "operand", error);
      Operand *operand = parse_operand (parser, error);
      if (operand == NULL)
        return FALSE;
      g_ptr_array_add (command->operands, operand);
    }
  if (command->operands->len == 0)
    return fail_at (parser, parser->token.start, error, "missing value for %s", context);
  const Operand *first = g_ptr_array_index (command->operands, 0);
  if (pipe->commands->len > 1 && first->fields->len == 0 && (first->kind == OPERAND_LITERAL || first->kind == OPERAND_NIL || first->kind == OPERAND_DOT))
    return fail_at (parser, first->start, error, "non executable command in pipeline stage %u", pipe->commands->len);
  return TRUE;
}

/* "$x :=", "$i, $x :=" or "$x =" at the start of a pipeline. Looks ahead on a copy of the lexer. */
static gboolean
parse_declaration (Parser *parser, Pipe *pipe, gboolean in_range, GError **error)
{
  if (parser->token.kind != TOKEN_VARIABLE)
    return TRUE;
  Lexer saved = parser->lexer;
  Token first = parser->token;
  g_auto (GStrv) names = g_new0 (char *, 3);
  names[0] = token_text (parser);
  Token token = { 0 };
  if (!lex_next (&parser->lexer, &token, NULL))
    token.kind = TOKEN_EOF;
  if (token.kind == TOKEN_COMMA && in_range)
    {
      if (lex_next (&parser->lexer, &token, NULL) && token.kind == TOKEN_VARIABLE)
        names[1] = g_strndup (parser->tree->source + token.start, token.end - token.start);
      token_clear (&token);
      if (names[1] == NULL || !lex_next (&parser->lexer, &token, NULL) || (token.kind != TOKEN_DECLARE && token.kind != TOKEN_ASSIGN))
        {
          token_clear (&token);
          return fail_at (parser, first.start, error, "range can only initialize variables");
        }
    }
  else if (token.kind == TOKEN_COMMA)
    return fail_at (parser, first.start, error, "too many declarations in command");
  token_clear (&token);
  if (token.kind != TOKEN_DECLARE && token.kind != TOKEN_ASSIGN)
    {
      parser->lexer = saved;
      return TRUE;
    }
  pipe->assign = token.kind == TOKEN_ASSIGN;
  for (size_t i = 0; names[i] != NULL; i++)
    {
      if (pipe->assign && !variable_known (parser, names[i]))
        return fail_at (parser, first.start, error, "undefined variable \"%s\"", names[i]);
      g_ptr_array_add (pipe->variables, g_strdup (names[i]));
    }
  return advance (parser, error);
}

/* Up to @end, which is left as the current token. */
static Pipe *
parse_pipe (Parser *parser, const char *context, TokenKind end, GError **error)
{
  g_autoptr (Pipe) pipe = g_new0 (Pipe, 1);
  pipe->variables = g_ptr_array_new_with_free_func (g_free);
  pipe->commands = g_ptr_array_new_with_free_func (command_free);
  pipe->start = parser->token.start;
  if (!parse_declaration (parser, pipe, strcmp (context, "range") == 0, error))
    return NULL;
  if (parser->token.kind == end)
    {
      fail_at (parser, parser->token.start, error, "missing value for %s", context);
      return NULL;
    }
  for (;;)
    {
      if (!parse_command (parser, pipe, context, end, error))
        return NULL;
      if (parser->token.kind == end)
        break;
      if (!advance (parser, error))
        return NULL;
    }
  pipe->end = parser->token.start;
  /* a variable is known from here on, not in its own pipeline */
  for (size_t i = 0; !pipe->assign && i < pipe->variables->len; i++)
    g_ptr_array_add (parser->variables, g_ptr_array_index (pipe->variables, i));
  return g_steal_pointer (&pipe);
}

static GPtrArray *parse_list (Parser *parser, gboolean top, ListEnd *ret_end, GError **error);

/* The rest of a block after its "if", "range" or "with", in @kind: pipeline, body, else part. An "else if" is an if inside of the else part that shares its {{end}}. */
static Node *
parse_block (Parser *parser, NodeKind kind, const char *context, GError **error)
{
  Node *node = g_new0 (Node, 1);
  node->kind = kind;
  node->start = parser->token.start;
  size_t scope = parser->variables->len;
  ListEnd end = END_EOF;
  if (!nest_enter (parser, error) || (node->pipe = parse_pipe (parser, context, TOKEN_CLOSE, error)) == NULL)
    goto failed;
  node->end = node->pipe->end;
  if (!advance (parser, error))
    goto failed;
  parser->loops += kind == NODE_RANGE;
  node->body = parse_list (parser, FALSE, &end, error);
  parser->loops -= kind == NODE_RANGE;
  if (node->body == NULL)
    goto failed;
  if (end == END_ELSE)
    {
      gboolean chained = (kind == NODE_IF && word_is (parser, "if")) || (kind == NODE_WITH && word_is (parser, "with"));
      if (chained)
        {
          Node *inner = advance (parser, error) ? parse_block (parser, kind, context, error) : NULL;
          if (inner == NULL)
            goto failed;
          node->otherwise = g_ptr_array_new_with_free_func (node_free);
          g_ptr_array_add (node->otherwise, inner);
        }
      else
        {
          if (!expect_close (parser, "else", error) || (node->otherwise = parse_list (parser, FALSE, &end, error)) == NULL)
            goto failed;
          if (end == END_ELSE)
            {
              fail_at (parser, parser->token.start, error, "expected end; found {{else}}");
              goto failed;
            }
        }
    }
  g_ptr_array_set_size (parser->variables, scope);
  parser->nest--;
  return node;
failed:
  node_free (node);
  return NULL;
}

static char *
parse_name (Parser *parser, const char *context, GError **error)
{
  if (parser->token.kind != TOKEN_LITERAL || !json_is_string (parser->token.value))
    {
      unexpected (parser, context, error);
      return NULL;
    }
  char *name = g_strdup (json_string_value (parser->token.value));
  if (advance (parser, error))
    return name;
  g_free (name);
  return NULL;
}

/* The body of a define or block: variables and loops outside of it are none of its business. */
static gboolean
parse_definition (Parser *parser, const char *name, GError **error)
{
  GPtrArray *outer = parser->variables;
  size_t loops = parser->loops;
  parser->variables = g_ptr_array_new ();
  g_ptr_array_add (parser->variables, (char *) "$");
  parser->loops = 0;
  ListEnd end = END_EOF;
  GPtrArray *body = nest_enter (parser, error) ? parse_list (parser, FALSE, &end, error) : NULL;
  g_ptr_array_unref (parser->variables);
  parser->variables = outer;
  parser->loops = loops;
  parser->nest--;
  if (body == NULL)
    return FALSE;
  g_hash_table_replace (parser->tree->templates, g_strdup (name), body);
  return end != END_ELSE || fail_at (parser, parser->token.start, error, "unexpected {{else}} in define clause");
}

static gboolean
parse_define (Parser *parser, GError **error)
{
  if (parser->nest > 0)
    return fail_at (parser, parser->token.start, error, "unexpected {{define}}");
  g_autofree char *name = parse_name (parser, "define clause", error);
  return name != NULL && expect_close (parser, "define clause", error) && parse_definition (parser, name, error);
}

static Node *
parse_template (Parser *parser, gboolean block, GError **error)
{
  const char *context = block ? "block clause" : "template clause";
  Node *node = g_new0 (Node, 1);
  node->kind = NODE_TEMPLATE;
  node->start = parser->token.start;
  node->text = parse_name (parser, context, error);
  if (node->text == NULL)
    goto failed;
  size_t scope = parser->variables->len;
  if ((block || parser->token.kind != TOKEN_CLOSE) && (node->pipe = parse_pipe (parser, context, TOKEN_CLOSE, error)) == NULL)
    goto failed;
  g_ptr_array_set_size (parser->variables, scope);
  node->end = parser->token.start;
  if (!advance (parser, error) || (block && !parse_definition (parser, node->text, error)))
    goto failed;
  return node;
failed:
  node_free (node);
  return NULL;
}

static Node *
parse_jump (Parser *parser, NodeKind kind, const char *word, GError **error)
{
  if (parser->loops == 0)
    {
      fail_at (parser, parser->token.start, error, "{{%s}} outside {{range}}", word);
      return NULL;
    }
  if (!expect_close (parser, word, error))
    return NULL;
  Node *node = g_new0 (Node, 1);
  node->kind = kind;
  return node;
}

static Node *
parse_plain_action (Parser *parser, GError **error)
{
  g_autoptr (Pipe) pipe = parse_pipe (parser, "command", TOKEN_CLOSE, error);
  if (pipe == NULL || !advance (parser, error))
    return NULL;
  Node *node = g_new0 (Node, 1);
  node->kind = NODE_ACTION;
  node->start = pipe->start;
  node->end = pipe->end;
  node->pipe = g_steal_pointer (&pipe);
  return node;
}

/* After "{{". *@ret_node stays NULL for a define. */
static gboolean
parse_action (Parser *parser, Node **ret_node, GError **error)
{
  static const struct { const char *word; NodeKind kind; } words[] = { { "if", NODE_IF }, { "range", NODE_RANGE }, { "with", NODE_WITH }, { "break", NODE_BREAK }, { "continue", NODE_CONTINUE } };
  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    if (word_is (parser, words[i].word))
      {
        if (!advance (parser, error))
          return FALSE;
        *ret_node = words[i].kind >= NODE_BREAK ? parse_jump (parser, words[i].kind, words[i].word, error) : parse_block (parser, words[i].kind, words[i].word, error);
        return *ret_node != NULL;
      }
  if (word_is (parser, "define"))
    return advance (parser, error) && parse_define (parser, error);
  if (word_is (parser, "template") || word_is (parser, "block"))
    {
      gboolean block = word_is (parser, "block");
      *ret_node = advance (parser, error) ? parse_template (parser, block, error) : NULL;
    }
  else
    *ret_node = parse_plain_action (parser, error);
  return *ret_node != NULL;
}

static Node *
text_node (Parser *parser)
{
  Node *node = g_new0 (Node, 1);
  node->kind = NODE_TEXT;
  node->text = token_text (parser);
  node->text_length = parser->token.end - parser->token.start;
  return node;
}

/* "{{end}}" or "{{else": *@ret_end says which; the token after the word (else) or after the action (end) is current. */
static gboolean
parse_list_end (Parser *parser, gboolean top, ListEnd *ret_end, GError **error)
{
  *ret_end = word_is (parser, "end") ? END_END : END_ELSE;
  if (top)
    return fail_at (parser, parser->token.start, error, "unexpected {{%s}}", *ret_end == END_END ? "end" : "else");
  if (!advance (parser, error))
    return FALSE;
  return *ret_end == END_ELSE || expect_close (parser, "end", error);
}

static GPtrArray *
parse_list (Parser *parser, gboolean top, ListEnd *ret_end, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (node_free);
  size_t scope = parser->variables->len;
  for (;;)
    {
      Node *node = NULL;
      if (parser->token.kind == TOKEN_EOF)
        {
          if (top)
            return g_steal_pointer (&list);
          fail_at (parser, parser->token.start, error, "unexpected EOF");
          return NULL;
        }
      if (parser->token.kind == TOKEN_TEXT)
        {
          node = text_node (parser);
          g_ptr_array_add (list, node);
          if (!advance (parser, error))
            return NULL;
          continue;
        }
      if (!advance (parser, error))
        return NULL;
      if (word_is (parser, "end") || word_is (parser, "else"))
        {
          g_ptr_array_set_size (parser->variables, scope);
          return parse_list_end (parser, top, ret_end, error) ? g_steal_pointer (&list) : NULL;
        }
      if (!parse_action (parser, &node, error))
        return NULL;
      if (node != NULL)
        g_ptr_array_add (list, node);
    }
}

Tree *
tree_parse (const char *name, const char *source, GError **error)
{
  if (strlen (source) > SOURCE_MAX)
    {
      coracle_throw (error, CORACLE_ERROR_INVALID, "template: %s: longer than %d bytes", name, SOURCE_MAX);
      return NULL;
    }
  g_autoptr (Tree) tree = g_new0 (Tree, 1);
  tree->source = g_strdup (source);
  tree->templates = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  g_autoptr (GPtrArray) variables = g_ptr_array_new ();
  g_ptr_array_add (variables, (char *) "$");
  Parser parser = { .name = name, .tree = tree, .lexer = { .source = tree->source, .length = strlen (tree->source) }, .variables = variables };
  ListEnd end;
  if (advance (&parser, error))
    tree->root = parse_list (&parser, TRUE, &end, error);
  token_clear (&parser.token);
  return tree->root != NULL ? g_steal_pointer (&tree) : NULL;
}
