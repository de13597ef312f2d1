// What a managed engine's container runs. Scripts are for any POSIX shell; images of Redis, Valkey and PostgreSQL have one.
// Passwords come from the environment, are set anew at every start, and stand in no argument, file or log.

/** How one engine runs. Scripts find its logins in `LOGINS`, its memory limit in bytes in `MEMORY_LIMIT`, its volume at /data. */
export interface EngineSpec {
  start: string;
  /** Fails, and says why, when the store can't take writes. */
  ready: string;
}

/** Fails when the volume takes no more: what an engine is asked may not need any. It keeps no room for itself. */
export const hasRoom = `head -c 65536 /dev/zero > /data/room 2> /dev/null
full=$?
rm -f /data/room
[ $full = 0 ] || { echo "the volume is full"; exit 1; }
`;
