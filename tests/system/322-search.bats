#!/usr/bin/env bats
# search: a registry's catalog, its old search, tags, several registries; answers that are not to be believed.

load helpers
load registry-helpers

setup_file() {
  basic_setup_file
  start_registry
  local name
  for name in library/alpine team/app:1 team/app:2 team/app2 other; do push_fixture "$name"; done
  start_old
  export CONTAINERS_REGISTRIES_CONF=$TEST_STORE/registries.conf
  printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$OLD" >"$CONTAINERS_REGISTRIES_CONF"
}

teardown_file() {
  stop_registries
  basic_teardown_file
}

# start_old: a registry that has Docker Hub's old search, and a catalog of pages; sets $OLD
start_old() {
  local port
  port=$(free_port)
  python3 - "$port" 3>&- <<'PY' &
import http.server, json, sys, urllib.parse
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        query = urllib.parse.parse_qs(url.query)
        status, link, body = 200, None, {}
        if url.path == "/v1/search":
            word = query["q"][0]
            if word == "nosearch":
                status = 404
            elif word == "hostile":
                body = {"results": [{"name": "evil\u001b[2J", "description": "two\nlines \u0007"}] * 100}
            elif word == "wrong":
                body = {"results": [{"name": 7}]}
            else:
                body = {"results": [{"name": word, "description": "x" * 50, "star_count": 7, "is_official": True},
                                    {"name": "mine/" + word, "description": "mine", "star_count": 2, "is_automated": True},
                                    {"name": "none/" + word}][:int(query["n"][0])]}
        elif url.path == "/v2/_catalog":
            page = int(query.get("last", ["0"])[0])
            body = {"repositories": ["nosearch%d" % page]}
            if page < 5 or "forever" in self.headers.get("Host", ""):
                link = '</v2/_catalog?last=%d>; rel="next"' % (page + 1)
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        if link:
            self.send_header("Link", link)
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
PY
  printf '%s\n' "$!" >>"$TEST_STORE/registry.pids"
  export OLD=127.0.0.1:$port
  wait_for 20 python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)' "$port"
}

search() {
  run_coracle_out search --cert-dir "$CERTS" --creds 'tester:secret word' "$@"
}

trimmed() { sed 's/ *$//' <<<"$output"; }

@test "search: a catalog" {
  search "$REGISTRY/app"
  like "${lines[0]}" '^NAME +DESCRIPTION$'
  is "$(trimmed | tail -n +2)" "$REGISTRY/team/app
$REGISTRY/team/app2"
  search "$REGISTRY/"
  is "${#lines[@]}" 5
  search --limit 1 "$REGISTRY/app"
  is "$(trimmed | tail -n +2)" "$REGISTRY/team/app"
  search --format '{{.Index}} {{.Name}}' "$REGISTRY/other"
  is "$output" "$REGISTRY $REGISTRY/other"
  search "$REGISTRY/nothing"
  is "$output" ""
  search --format json "$REGISTRY/other"
  is "$(jq -c . <<<"$output")" "[{\"Index\":\"$REGISTRY\",\"Name\":\"$REGISTRY/other\",\"Description\":\"\",\"Stars\":0,\"Official\":\"\",\"Automated\":\"\",\"Tag\":\"\"}]"
}

@test "search: who may, and how" {
  run_coracle_out 125 search --cert-dir "$CERTS" "$REGISTRY/app"
  has "$stderr" "couldn't search registry \"$REGISTRY\": unauthorized"
  run_coracle_out 125 search --creds 'tester:secret word' "$REGISTRY/app"
  has "$stderr" "tls:"
  run_coracle_out search --tls-verify=false --creds 'tester:secret word' "$REGISTRY/app"
  run_coracle login --authfile "$TEST_STORE/auth.json" --cert-dir "$CERTS" -u tester -p 'secret word' "$REGISTRY"
  run_coracle_out image search --authfile "$TEST_STORE/auth.json" --cert-dir "$CERTS" "$REGISTRY/app"
  is "${#lines[@]}" 3
}

@test "search --list-tags" {
  search --list-tags "$REGISTRY/team/app"
  like "${lines[0]}" '^NAME +TAG$'
  is "$(tail -n +2 <<<"$output" | tr -s ' ' | sort)" "$REGISTRY/team/app 1
$REGISTRY/team/app 2"
  search --list-tags --limit 1 "$REGISTRY/team/app"
  is "${#lines[@]}" 2
  search --list-tags --format json "$REGISTRY/team/app:1"
  is "$(jq -c '.[0].Tags | sort' <<<"$output")" '["1","2"]'
  run_coracle 125 search --list-tags --filter stars=1 "$REGISTRY/team/app"
  is "$output" "Error: filters are not applicable to list tags result"
  run_coracle_out 125 search --cert-dir "$CERTS" --creds 'tester:secret word' --list-tags "$REGISTRY/nosuch"
  has "$stderr" "* getting repository tags: fetching tags list: repository name not known to registry"
  run_coracle_out 125 search --list-tags "$REGISTRY/"
  has "$stderr" '* reference "" must be a docker reference'
}

@test "search: the old search, its columns and filters" {
  run_coracle_out search --compatible "$OLD/web"
  like "${lines[0]}" '^NAME +DESCRIPTION +STARS +OFFICIAL +AUTOMATED$'
  like "${lines[1]}" "^$OLD/web +x{44}\.\.\. +7 +\[OK\] *$"
  like "${lines[2]}" "^$OLD/mine/web +mine +2 +\[OK\] *$"
  run_coracle_out search --no-trunc --format '{{.Description}}' --limit 1 "$OLD/web"
  is "$output" "$(printf 'x%.0s' {1..50})"
  run_coracle_out search --filter stars=3 --format '{{.Name}}' "$OLD/web"
  is "$output" "$OLD/web"
  run_coracle_out search --filter is-official --format '{{.Name}}' "$OLD/web"
  is "$output" "$OLD/web"
  run_coracle_out search --filter is-automated=true --filter stars=1 --format '{{.Name}}' "$OLD/web"
  is "$output" "$OLD/mine/web"
  run_coracle_out search --filter is-official=false --format '{{.Name}}' "$OLD/web"
  is "$output" "$OLD/mine/web
$OLD/none/web"
  run_coracle 125 search --filter stars=x "$OLD/web"
  has "$output" 'incorrect value type for stars filter'
  run_coracle 125 search --filter foo=x "$OLD/web"
  is "$output" 'Error: invalid filter type "foo=x"'
  run_coracle 125 search --format '{{.Nope}}' "$OLD/web"
}

@test "search: pages, and what is not to be believed" {
  run_coracle_out search --format '{{.Name}}' "$OLD/nosearch"
  is "${#lines[@]}" 6 "all pages"
  run_coracle_out search --format '{{.Name}} {{.Description}}' --limit 3 "$OLD/hostile"
  is "${#lines[@]}" 3 "no more than asked for"
  is "${lines[0]}" "$OLD/evil [2J two lines  " "no control characters on the terminal"
  run_coracle_out search --format '{{.Name}}' "$OLD/wrong"
  is "$output" "" "a broken answer is none; the catalog has nothing of that name"
}

@test "search: several registries" {
  local conf=$TEST_STORE/several.conf
  printf 'unqualified-search-registries = ["localhost:1", "%s"]\n[[registry]]\nlocation = "%s"\ninsecure = true\n[[registry]]\nlocation = "bad.test"\nblocked = true\n' "$REGISTRY" "$REGISTRY" >"$conf"
  export CONTAINERS_REGISTRIES_CONF=$conf
  run_coracle_out search --creds 'tester:secret word' --format '{{.Name}}' app
  is "$output" "$REGISTRY/team/app
$REGISTRY/team/app2"
  run_coracle_out 125 search --creds 'tester:secret word' nothing
  like "$stderr" "^Error: 1 error occurred:"
  has "$stderr" "	* couldn't search registry \"localhost:1\": pinging container registry localhost:1: "
  run_coracle_out 125 search bad.test/app
  has "$stderr" "registry bad.test is blocked"
  run_coracle 125 search
  is "${lines[0]}" "Error: accepts 1 arg(s), received 0"
  printf 'unqualified-search-registries = []\n' >"$conf"
  run_coracle_out search app
  is "$output" ""
}
