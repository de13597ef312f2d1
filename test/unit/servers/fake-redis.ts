// As much of Redis as the store uses, over TCP: strings in hashes that expire. For tests on machines without redis-server.
import { type AddressInfo, createServer, type Socket } from "node:net";

export interface FakeRedis extends AsyncDisposable {
  readonly url: string;
}

type Hash = Map<string, string>;

export async function startFakeRedis(): Promise<FakeRedis> {
  const hashes = new Map<string, Hash>();
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    let unread = "";
    let queued: string[][] | undefined;
    const answer = (command: string[]): string => {
      const name = command[0]!.toUpperCase();
      if (name === "MULTI") {
        queued = [];
        return "+OK\r\n";
      }
      if (name === "EXEC") {
        const replies = (queued ?? []).map((queuedCommand) => run(hashes, queuedCommand));
        queued = undefined;
        return `*${replies.length}\r\n${replies.join("")}`;
      }
      if (queued === undefined) return run(hashes, command);
      queued.push(command);
      return "+QUEUED\r\n";
    };
    socket.on("data", (chunk) => {
      unread += chunk.toString("latin1");
      for (let parsed = readCommand(unread); parsed !== undefined; parsed = readCommand(unread)) {
        unread = unread.slice(parsed.length);
        socket.write(answer(parsed.command), "latin1");
      }
    });
    socket.on("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const close = async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`, [Symbol.asyncDispose]: close };
}

/** The first command in `text`, an array of bulk strings, once it is there to its end. */
function readCommand(text: string): { command: string[]; length: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (head === null) return undefined;
  let length = head[0].length;
  const command: string[] = [];
  for (let i = 0; i < Number(head[1]); i += 1) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(length));
    if (size === null) return undefined;
    const start = length + size[0].length;
    length = start + Number(size[1]) + 2;
    if (text.length < length) return undefined;
    command.push(text.slice(start, length - 2));
  }
  return { command, length };
}

function run(hashes: Map<string, Hash>, [name = "", ...args]: string[]): string {
  switch (name.toUpperCase()) {
    case "HSET":
      return set(hashes, args[0]!, args.slice(1));
    case "HGETALL": {
      const words = [...(hashes.get(args[0]!) ?? [])].flat();
      return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
    }
    // The one script of the store: set the fields of a hash that exists.
    case "EVAL":
      if (!hashes.has(args[2]!)) return ":0\r\n";
      set(hashes, args[2]!, args.slice(3));
      return ":1\r\n";
    case "PEXPIRE":
      return ":1\r\n";
    case "PING":
      return "+PONG\r\n";
    case "INFO":
      return "$0\r\n\r\n";
    case "QUIT":
      return "+OK\r\n";
    default:
      return `-ERR unknown command '${name}'\r\n`;
  }
}

function set(hashes: Map<string, Hash>, key: string, fields: string[]): string {
  const hash = hashes.get(key) ?? new Map<string, string>();
  hashes.set(key, hash);
  for (let i = 0; i < fields.length; i += 2) hash.set(fields[i]!, fields[i + 1]!);
  return `:${fields.length / 2}\r\n`;
}
