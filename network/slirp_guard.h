/* slirp_guard: what a frame of the guest has to be before libslirp sees it, and what of libslirp's the guest is not sent. It stands between a container that may be hostile and a
 * library that falls over a lone piece of a datagram (4.7: one frame is enough; tests/fuzz/fuzz-slirp found it), would keep pieces for half a minute however many they are, and serves
 * protocols that no container needs: DHCP, TFTP, NC-SI. So datagrams are put together here, in bounded memory, and libslirp never sees a piece.
 *
 * It allocates SLIRP_GUARD_BYTES when the first piece comes. A fuzz target and a unit test walk it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "network/slirp.h"

enum {
  SLIRP_GUARD_DATAGRAMS = 16,
  SLIRP_GUARD_HEAD = 76,          /* room for an Ethernet header of 14 and an IPv4 header of 60 in front of the data */
  SLIRP_GUARD_DATA = 65536,
  SLIRP_GUARD_MS = 30000,         /* how long a datagram's first piece waits for the last: RFC 791 */
  SLIRP_GUARD_BYTES = SLIRP_GUARD_DATAGRAMS * (SLIRP_GUARD_HEAD + SLIRP_GUARD_DATA),
};

/* A datagram of which pieces have come */
typedef struct {
  uint32_t source, target;
  uint16_t id;
  uint8_t protocol;
  uint8_t used;
  uint8_t head[74];     /* Ethernet and IPv4 headers of the piece at offset 0 */
  uint8_t head_size;    /* 0: that has not come */
  uint32_t data;        /* bytes that have come */
  uint32_t whole;       /* length of it all; 0: the last piece has not come */
  int64_t until;        /* milliseconds */
  uint64_t units[SLIRP_GUARD_DATA / 8 / 64];   /* which eights of bytes have come */
} SlirpPieces;

typedef struct {
  const SlirpNetwork *network;
  uint8_t *bytes;       /* SLIRP_GUARD_BYTES, or NULL */
  SlirpPieces pieces[SLIRP_GUARD_DATAGRAMS];
} SlirpGuard;

void slirp_guard_init (SlirpGuard *guard, const SlirpNetwork *network);
void slirp_guard_clear (SlirpGuard *guard);

/* slirp_guard_admit: what libslirp may have of this Ethernet frame: the frame itself, where it holds a whole ARP, IPv4 or IPv6 packet whose lengths hold together; the datagram that it is
 * the last missing piece of, valid until the next call; or NULL. A datagram whose pieces overlap is dropped (RFC 5722 says why), as is the oldest when too many are
 * under way. @size: of the frame, then of what is returned. @now: CLOCK_MONOTONIC, milliseconds. */
const uint8_t *slirp_guard_admit (SlirpGuard *guard, const uint8_t *frame, size_t *size, int64_t now);

/* slirp_guard_segments: where this frame begins a TCP connection, ask for segments of @most bytes where it asks for more. A frame that libslirp had or makes: its lengths are looked at, not its
 * checksum, which stays as right as it was. Returns whether it was changed. */
bool slirp_guard_segments (uint8_t *frame, size_t size, uint16_t most);

/* slirp_guard_emit: is this frame of libslirp's for the guest? Not its router advertisements: the tap has its addresses and routes, and gets no others. */
bool slirp_guard_emit (const uint8_t *frame, size_t size);
