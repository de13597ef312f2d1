// The store that all pods share: as much of Redis as they use, so that no machine needs one.
import { connect, createServer } from "node:net";
import { startFakeRedis } from "../../unit/servers/fake-redis.ts";

const { url } = await startFakeRedis();
const { port, hostname } = new URL(url);
createServer((socket) => {
  const inside = connect(Number(port), hostname);
  for (const side of [socket, inside]) side.on("error", () => side.destroy());
  socket.pipe(inside).pipe(socket);
}).listen(6379);
process.once("SIGTERM", () => process.exit(0));
