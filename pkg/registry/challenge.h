/* challenge: what a registry asks for when it answers 401. Foreign bytes: bounded; unknown schemes are passed over.
 * Source: RFC 9110 11.3 and 11.6.1; distribution's "Token Authentication Specification". */
#pragma once

#include <glib.h>

typedef enum { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER } ChallengeKind;

typedef struct {
  ChallengeKind kind;
  char *realm, *service, *scope;   /* NULL where it says none; a bearer challenge always has a realm */
} Challenge;
void challenge_clear (Challenge *challenge);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Challenge, challenge_clear)

/* challenge_parse: the value of WWW-Authenticate, which may hold several challenges: the first bearer one, else the first basic one. FALSE: neither, or it is malformed. */
gboolean challenge_parse (const char *header, Challenge *ret_challenge);
