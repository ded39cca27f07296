/* tree: a parsed template. Private to pkg/template. */
#pragma once

#include <glib.h>
#include <jansson.h>

typedef struct Pipe Pipe;

typedef enum {
  OPERAND_DOT,
  OPERAND_LITERAL,
  OPERAND_NIL,
  OPERAND_VARIABLE,   /* @name, with its '$' */
  OPERAND_FUNCTION,   /* @name */
  OPERAND_PIPE,       /* in parentheses */
} OperandKind;

typedef struct {
  OperandKind kind;
  size_t start, end;    /* in the source, for error texts */
  char *name;
  json_t *literal;
  Pipe *pipe;
  GPtrArray *fields;    /* of char*: .A.B after it; empty rather than NULL */
} Operand;

/* One stage of a pipeline: its operands; the first may be a function. */
typedef struct {
  GPtrArray *operands;
} Command;

struct Pipe {
  size_t start, end;
  GPtrArray *variables;  /* of char*: declared or assigned; at most 2 */
  gboolean assign;       /* "=" and not ":=" */
  GPtrArray *commands;
};

typedef enum {
  NODE_TEXT,
  NODE_ACTION,
  NODE_IF,
  NODE_RANGE,
  NODE_WITH,
  NODE_TEMPLATE,
  NODE_BREAK,
  NODE_CONTINUE,
} NodeKind;

typedef struct {
  NodeKind kind;
  size_t start, end;
  char *text;             /* TEXT; TEMPLATE: its name */
  size_t text_length;
  Pipe *pipe;             /* NULL: TEMPLATE without one */
  GPtrArray *body;
  GPtrArray *otherwise;   /* of else; NULL if there is none */
} Node;

typedef struct {
  char *source;
  GPtrArray *root;          /* of Node */
  GHashTable *templates;    /* name → GPtrArray of Node */
} Tree;

/* tree_parse: @source with its table prefix and escapes already seen to. @name: what errors call it. Errors: INVALID, "template: NAME:LINE: …". */
Tree *tree_parse (const char *name, const char *source, GError **error);
void tree_free (Tree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Tree, tree_free)

/* tree_line: the line (from 1) and the column (from 0, in bytes) of offset @at. */
size_t tree_line (const char *source, size_t at, size_t *ret_column);
