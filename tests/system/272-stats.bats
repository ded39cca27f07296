#!/usr/bin/env bats
load helpers
@test "x" { true; }
