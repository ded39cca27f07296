#!/usr/bin/env python3
"""power-cut.py TRACE STORE: what a loss of power would have done to STORE when the traced command was killed: data that no sync had reached is gone.
TRACE: strace -f -ttt -y of syncfs, fsync, fdatasync and pwrite64 at least. Names stay, as after a journal's commit, which is the worse case: a name without its data.
A file is lost when it was changed after the beginning of the last sync that reached it; files from before the trace are safe.
The database's log keeps what was synced of it; pages of the database written since its last sync are torn."""
import os
import re
import sys

trace, store = sys.argv[1:]
CALL = re.compile(r"^(?:\d+ +)?(\d+\.\d+) (\w+)\(\d+<([^>]*)>(.*)$")
RESUMED = re.compile(r"^(?:\d+ +)?(\d+\.\d+) <\.\.\. (\w+) resumed>.*= (-?\d+)")

everything = 0.0            # when the last finished syncfs began
synced = {}                 # base name: when the last finished sync of it began
pending = {}                # pid: (call, base name, began) of what has not returned
writes = {}                 # base name: [(when, offset, bytes)]
begin = None


def done(call, name, began):
    global everything
    if call == "syncfs":
        everything = max(everything, began)
    else:
        synced[name] = max(synced.get(name, 0.0), began)


for line in open(trace, encoding="utf-8", errors="replace"):
    pid = line.split(" ", 1)[0]
    resumed = RESUMED.match(line)
    if resumed and pid in pending:
        if resumed.group(3) == "0":
            done(*pending.pop(pid))
        continue
    match = CALL.match(line)
    if not match:
        number = re.match(r"^(?:\d+ +)?(\d+\.\d+) ", line)
        begin = begin or (float(number.group(1)) if number else None)
        continue
    began, call, path, rest = float(match.group(1)), match.group(2), match.group(3), match.group(4)
    begin = begin or began
    name = os.path.basename(path)
    if call == "pwrite64":
        numbers = re.search(r", (\d+), (\d+)\) += (\d+)$", rest)
        if numbers:
            writes.setdefault(name, []).append((began, int(numbers.group(2)), int(numbers.group(3))))
    elif call in ("syncfs", "fsync", "fdatasync"):
        if rest.endswith("= 0"):
            done(call, name, began)
        elif "unfinished" in rest:
            pending[pid] = (call, name, began)


def cut_log(path):
    last = max(everything, synced.get(os.path.basename(path), 0.0))
    lost = [offset for when, offset, _ in writes.get(os.path.basename(path), []) if when > last]
    if lost:
        os.truncate(path, min(lost))


def tear_pages(path):
    last = max(everything, synced.get(os.path.basename(path), 0.0))
    with open(path, "r+b") as file:
        for when, offset, size in writes.get(os.path.basename(path), []):
            if when > last:
                file.seek(offset)
                file.write(b"\0" * size)


lost = 0
for folder, _, names in os.walk(store):
    for name in names:
        path = os.path.join(folder, name)
        if name == "state.db-wal":
            cut_log(path)
        elif name == "state.db":
            tear_pages(path)
        elif name == "state.db-shm":
            os.unlink(path)
        elif os.path.isfile(path) and not os.path.islink(path):
            st = os.lstat(path)
            # blobs are renamed, which changes the ctime; a layer's files get their mtime from the archive
            changed = st.st_mtime if name.startswith("blob-") or "/oci/" in path else st.st_ctime
            if begin is not None and changed > begin and changed > max(everything, synced.get(name, 0.0)) and st.st_size > 0 and name != "index.json":
                os.truncate(path, 0)
                lost += 1
print(f"{lost} files lost", file=sys.stderr)
