# image tree: layers, and what stands on them.

load helpers

setup() {
  basic_setup
  fixture_image box
}

# on BASE NAME: an image of one layer more.
on() {
  run_coracle create --name maker "$1" sh
  printf '%s\n' "$2" >"$TEST_STORE/file"
  run_coracle cp "$TEST_STORE/file" "maker:/$2"
  run_coracle commit -q maker "$2"
  run_coracle rm maker
}

@test "image tree: the layers of an image, and --whatrequires" {
  on box one
  on one two
  on one other
  run_coracle tag two quay.io/x/y:z
  base=$(coracle image inspect --format '{{index .RootFS.Layers 0}}' box)
  second=$(coracle image inspect --format '{{index .RootFS.Layers 1}}' one)
  chain=$(printf '%s %s' "$base" "$second" | sha256sum)
  run_coracle image tree two
  is "${lines[0]}" "Image ID: $(coracle image inspect --format '{{.Id}}' two | cut -c1-12)"
  is "${lines[1]}" "Tags:     [quay.io/x/y:z localhost/two:latest]"
  like "${lines[2]}" '^Size:     [0-9.]+MB$'
  is "${lines[3]}" "Image Layers"
  like "${lines[4]}" "^├── ID: ${base:7:12} Size: +[0-9.]+MB Top Layer of: \\[localhost/box:latest\\]\$" "the lowest"
  like "${lines[5]}" "^├── ID: ${chain:0:12} Size: +[0-9.]+k?B Top Layer of: \\[localhost/one:latest\\]\$" "the second"
  like "${lines[6]}" '^└── ID: [0-9a-f]{12} Size: +[0-9.]+k?B Top Layer of: \[quay.io/x/y:z localhost/two:latest\]$' "the top"
  is "${#lines[@]}" 7 "lines"
  run_coracle image tree --whatrequires box
  like "${lines[4]}" "^├── ID: ${base:7:12} " "itself"
  like "${lines[5]}" "^└── ID: ${chain:0:12} " "what stands on a lowest layer, beside it"
  like "${lines[6]}" '^    ├── ID: .*two:latest\]$' "older first"
  like "${lines[7]}" '^    └── ID: .*other:latest\]$' "then newer"
  run_coracle image tree --whatrequires one
  like "${lines[4]}" "^└── ID: ${chain:0:12} " "itself"
  like "${lines[5]}" '^    ├── ID: ' "nested"
}

@test "image tree: errors" {
  run_coracle 125 image tree nosuch
  is "$output" "Error: nosuch: image not known"
  run_coracle 125 image tree
}
