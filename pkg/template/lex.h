/* lex: the words of a template: text between actions, and the tokens inside {{ }}. Private to pkg/template. */
#pragma once

#include <glib.h>
#include <jansson.h>

typedef enum {
  TOKEN_EOF,
  TOKEN_TEXT,       /* outside an action */
  TOKEN_OPEN,       /* {{ */
  TOKEN_CLOSE,      /* }} */
  TOKEN_DOT,        /* . alone */
  TOKEN_FIELD,      /* .Name */
  TOKEN_VARIABLE,   /* $ or $name */
  TOKEN_WORD,       /* keyword, function, true, false, nil */
  TOKEN_LITERAL,    /* string, character or number: in @value */
  TOKEN_PIPE,
  TOKEN_LEFT,       /* ( */
  TOKEN_RIGHT,      /* ) */
  TOKEN_DECLARE,    /* := */
  TOKEN_ASSIGN,     /* = */
  TOKEN_COMMA,
} TokenKind;

typedef struct {
  TokenKind kind;
  size_t start, end;       /* in the source; for TEXT after trimming */
  gboolean space_before;   /* inside an action: white space came before it */
  json_t *value;           /* of a LITERAL; owned */
} Token;

typedef struct {
  const char *source;
  size_t length, at;
  gboolean in_action;
  gboolean trim_next;      /* the last action ended with -}} */
} Lexer;

/* lex_next: the next token. Clear with token_clear. Errors: INVALID, without position. */
gboolean lex_next (Lexer *lexer, Token *ret_token, GError **error);
void token_clear (Token *token);
