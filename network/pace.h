/* pace: congestion control in a network namespace that no packet leaves this machine from: over its lo, to published ports, and over its tap, to coracle-slirp. Plain C. */
#pragma once

/* pace_drop_child: nothing is lost there, and a way that sends by the clock (bbr) only costs: a timer for each packet, a third of what goes through a published port and of what slirp
 * carries. Where the namespace would have it, it has cubic instead, or, where that is not free to all, reno, which always is. The sockets of the host keep the host's way, and --sysctl,
 * which comes later, the last word. In the new network namespace; async-signal-safe; what cannot be had stays as it is. Source: ip-sysctl(5), tcp_congestion_control. */
void pace_drop_child (void);
