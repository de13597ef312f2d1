// PostgreSQL: one database, owned by one role that nobody logs in as, and a login for each password that is accepted.
import { type EngineSpec, hasRoom } from "./engine.ts";
import { database } from "./names.ts";

/** In single-user mode a line is a statement, and the first error ends it. Statements have passwords in them: none is logged. */
const alone = (folder: string, name: string) =>
  `postgres --single -D ${folder} -c exit_on_error=on -c log_min_error_statement=panic ${name} > /dev/null`;

export const postgresql: EngineSpec = {
  // The folder is made aside and moved, so that a start that is cut short begins anew. At each mount, fsGroup lets the group
  // write everything; PostgreSQL refuses a folder like that. Its SIGTERM would wait for clients to leave; SIGINT doesn't.
  start: `set -eu
umask 077
data=/data/pg
if [ ! -s $data/PG_VERSION ]; then
  rm -rf /data/new
  initdb -D /data/new -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8
  ${alone("/data/new", "postgres")} <<END
CREATE ROLE ${database}
CREATE DATABASE ${database} OWNER ${database}
END
  mv /data/new $data
fi
chmod 700 $data
rm -f $data/postmaster.pid
{
  echo "DO 'DECLARE old text; BEGIN FOR old IN SELECT rolname FROM pg_roles WHERE rolname LIKE ''${database}\\_%'' LOOP EXECUTE format(''REASSIGN OWNED BY %I TO ${database}'', old); EXECUTE format(''DROP OWNED BY %I'', old); EXECUTE format(''DROP ROLE %I'', old); END LOOP; END'"
  for login in $LOGINS; do
    echo "CREATE ROLE \${login%%:*} LOGIN IN ROLE ${database} PASSWORD '\${login#*:}'"
    echo "ALTER ROLE \${login%%:*} SET role = ${database}"
  done
} | ${alone("$data", database)}
printf 'local all all trust\\nhost ${database} all all scram-sha-256\\n' > /tmp/pg_hba.conf
postgres -D $data -k /tmp -c listen_addresses='*' -c hba_file=/tmp/pg_hba.conf \\
  -c shared_buffers=$((MEMORY_LIMIT / 4 / 1024))kB -c max_connections=200 -c log_min_error_statement=panic &
engine=$!
trap 'kill -INT $engine' TERM
wait $engine || true
wait $engine
`,
  ready: `answer=$(pg_isready -h /tmp -d ${database}) || { echo "$answer"; exit 1; }
${hasRoom}`,
};
