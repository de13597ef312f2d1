// Redis, or Valkey, which has its commands and its names. A task that a client knows of is in the file, a second later on the
// disk (`always` would end the engine when the disk is full, instead of refusing writes), and none is ever dropped for want
// of memory.
import { type EngineSpec, hasRoom } from "./engine.ts";

export const redis: EngineSpec = {
  // Without the preamble, the append-only file is a list of commands: a backup that any Redis can be fed with.
  start: `set -eu
umask 077
accepted=
for login in $LOGINS; do accepted="$accepted >\${login#*:}"; done
exec redis-server - <<END
dir /data
save ""
appendonly yes
appendfsync everysec
aof-use-rdb-preamble no
maxmemory $((MEMORY_LIMIT / 4 * 3))
maxmemory-policy noeviction
user default on$accepted ~* &* +@all
END
`,
  // PING is answered with the error that the last write has met, but that is forgotten when the engine starts anew.
  ready: `login=\${LOGINS%% *}
answer=$(REDISCLI_AUTH="\${login#*:}" redis-cli ping 2>&1)
[ "$answer" = PONG ] || { echo "$answer"; exit 1; }
${hasRoom}`,
};
