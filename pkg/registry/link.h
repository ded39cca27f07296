/* link: where the next page of a list is. Foreign bytes: only the registry that sent them is asked again.
 * Source: RFC 8288 3; OCI distribution-spec "Listing Tags". */
#pragma once

/* link_next: of a Link header's value, the target with rel=next, as a path ("/v2/…") at @base ("https://HOST"): `</v2/x/tags/list?last=a>; rel="next"`, also as a whole URL there.
 * NULL: none, or it leads elsewhere, or it is malformed. Free with g_free. */
char *link_next (const char *header, const char *base);
